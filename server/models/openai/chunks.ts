import type { Json } from '../../contract/json.ts'
import type { FinishReason, ModelChunk, TokenUsage } from '../../ports/model.ts'
import { ModelError } from '../../ports/model.ts'
import type { ProviderFailure } from '../provider/failure-code.ts'
import { type ServerEvent, parseEvent } from '../provider/read-events.ts'
import { parseToolArguments } from '../provider/tool-arguments.ts'
import { QUIET_MS, untilQuiet } from '../provider/until-quiet.ts'
import { type ChatCalls, createChatCalls } from './chat-calls.ts'
import { collectFields, toChatData } from './chat-data.ts'
import { ChatChunk, type Delta, type StreamedError, reasoningOf, withUsage } from './chat-wire.ts'
import { fromChatFinishReason, isFailure } from './finish-reason.ts'
import { plainChunk } from './plain-chunk.ts'

export interface ChatSource {
  /** Whose answer it is: what it wants back goes to nobody else. */
  server: string
  /** The error to throw for what the server says went wrong; for a stream that ended before the answer did, without one. */
  toError(failure?: ProviderFailure): ModelError
}

/**
 * Turns the events of a streamed chat completion into the port's chunks. Tool calls are passed on in pieces as they come, and
 * whole at the end. An answer that is complete is never given up for what comes after it, or does not.
 *
 * @throws what `toError` makes of an error in the stream, or of its end before the answer's.
 */
export async function* fromChatEvents(
  events: AsyncIterable<ServerEvent>,
  source: ChatSource,
): AsyncGenerator<ModelChunk, void, undefined> {
  const calls = createChatCalls()
  const fields: Record<string, Json> = {}
  let usage: TokenUsage = { inputTokens: 0, outputTokens: 0 }
  let reason: string | undefined
  let isEnded = false
  let isBegun = false
  const isComplete = () => reason !== undefined || isEnded

  try {
    for await (const { event, data } of untilQuiet(events, () => (isComplete() ? QUIET_MS : undefined))) {
      if (data.trim() === '[DONE]') {
        isEnded = true
        break
      }
      const parsed = parseEvent(data)
      if (parsed === 'broken') throw source.toError()
      if (parsed === undefined) continue
      const chunk = plainChunk(parsed.value) ?? ChatChunk.parse(parsed.value)
      const error = chunk.error ?? (event === 'error' ? {} : undefined)
      if (error !== undefined) throw source.toError(toFailure(error))

      if (chunk.usage !== undefined) usage = withUsage(usage, chunk.usage)
      const { choice } = chunk
      // The count of all that was said is said last.
      if (choice === undefined && chunk.usage !== undefined && isBegun) isEnded = true
      // Some send the whole message once more at the end.
      const delta = choice?.delta ?? (isBegun ? undefined : choice?.message)
      if (delta !== undefined) {
        for (const said of fromDelta(delta, calls)) {
          isBegun = true
          yield said
        }
        collectFields(fields, delta)
      }
      if (choice?.finish_reason) reason = choice.finish_reason
      if (reason !== undefined && isFailure(reason)) break
    }
  } catch (error) {
    if (!(error instanceof ModelError) || !isComplete()) throw error
  }

  if (!isComplete()) throw source.toError()
  if (reason !== undefined && isFailure(reason)) throw source.toError({ type: reason })
  const ids = uniqueIds()
  for (const { id, name, text } of calls.list) {
    yield { type: 'tool-call', toolCall: { id: ids(id), name, arguments: parseToolArguments(text) } }
  }
  yield toFinish(fromChatFinishReason(reason), { usage, calls, fields, source })
}

function* fromDelta(delta: Delta, calls: ChatCalls): Generator<ModelChunk, void, undefined> {
  const reasoning = reasoningOf(delta)
  if (reasoning) yield { type: 'reasoning', text: reasoning }
  const text = delta.content.text || delta.refusal
  if (text) yield { type: 'text', text }
  const older = delta.function_call
  const pieces =
    delta.tool_calls ?? (older === undefined ? [] : [{ index: 0, id: undefined, function: older }])
  for (const piece of pieces) {
    if (piece === undefined) continue
    const { call, text: input } = calls.add(piece)
    yield { type: 'tool-input', index: call.index, name: call.name, text: input }
  }
}

/** The answer to a call needs an id of it, also where the server gives none, or one to several. */
function uniqueIds(): (id: string) => string {
  const given = new Set([''])
  return (id) => {
    const unique = given.has(id) ? `call_${crypto.randomUUID().replaceAll('-', '')}` : id
    given.add(unique)
    return unique
  }
}

function toFinish(
  reason: FinishReason,
  {
    usage,
    calls,
    fields,
    source,
  }: { usage: TokenUsage; calls: ChatCalls; fields: Record<string, Json>; source: ChatSource },
): ModelChunk {
  const providerData = toChatData(source.server, fields, calls.list)
  return {
    type: 'finish',
    reason: reason === 'stop' && calls.list.length > 0 ? 'tool-calls' : reason,
    usage,
    // Its optional fields are left out, never undefined.
    ...(providerData === undefined ? {} : { providerData: providerData as Json }),
  }
}

/** Servers write a status as the code of an error that comes too late for one. */
function toFailure({ message, type, code }: Partial<StreamedError>): ProviderFailure {
  const status = Number(code)
  const isStatus = Number.isInteger(status) && status >= 400 && status < 600
  return {
    message,
    type,
    ...(isStatus ? { status } : { code: code === undefined ? undefined : String(code) }),
  }
}
