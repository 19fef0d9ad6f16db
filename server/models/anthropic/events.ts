import type { Json } from '../../contract/json.ts'
import { ModelError } from '../../ports/model.ts'
import type { ModelChunk } from '../../ports/model.ts'
import type { ProviderFailure } from '../provider/failure-code.ts'
import { type ServerEvent, parseEvent } from '../provider/read-events.ts'
import { QUIET_MS, untilQuiet } from '../provider/until-quiet.ts'
import { createBlocks } from './blocks.ts'
import { fromStopReason } from './messages.ts'
import { MessageEvent, type WireBlock, toUsage, withUsage } from './wire.ts'

/**
 * Turns the events of one streamed message into the port's chunks. What Anthropic wants back in an answer, signed thinking or what
 * its own tools found, goes with `finish`. An answer that is complete is never given up for what comes after it, or does not.
 *
 * @param toError the error to throw for what the server says went wrong; for a stream that ended before the answer did, without one.
 */
export async function* fromMessageEvents(
  events: AsyncIterable<ServerEvent>,
  toError: (failure?: ProviderFailure) => ModelError,
): AsyncGenerator<ModelChunk, void, undefined> {
  const blocks = createBlocks()
  let usage: ReturnType<typeof withUsage>
  let reason: string | undefined
  let isEnded = false
  const isComplete = () => reason !== undefined || isEnded

  try {
    for await (const { event, data } of untilQuiet(events, () => (isComplete() ? QUIET_MS : undefined))) {
      const parsed = parseEvent(data)
      if (parsed === 'broken') throw toError()
      if (parsed === undefined) continue
      const said = MessageEvent.parse(parsed.value)
      usage = withUsage(usage, said.message?.usage ?? said.usage)
      switch (said.type ?? event) {
        case 'content_block_start':
          if (said.content_block !== undefined) yield* blocks.begin(said.index, said.content_block)
          break
        case 'content_block_delta':
          if (said.delta !== undefined) yield* blocks.extend(said.index, said.delta)
          break
        case 'content_block_stop':
          yield* blocks.end(said.index)
          break
        case 'message_delta':
          reason = said.delta?.stop_reason ?? reason
          break
        case 'message_stop':
          isEnded = true
          break
        case 'message':
          for (const block of said.content ?? [])
            if (block !== undefined) yield* blocks.begin(undefined, block)
          reason = said.stop_reason ?? 'end_turn'
          break
        case 'error':
          throw toError({ type: said.error?.type, message: said.error?.message })
        default:
          break
      }
      if (isEnded) break
    }
  } catch (error) {
    if (!(error instanceof ModelError) || !isComplete()) throw error
  }

  if (!isComplete()) throw toError()
  yield* blocks.end()
  const ended = fromStopReason(reason)
  const returned = ended === 'paused' || blocks.list.some(isReturned) ? blocks.list.filter(isSendable) : []
  yield {
    type: 'finish',
    reason: ended === 'stop' && blocks.calls > 0 ? 'tool-calls' : ended,
    usage: toUsage(usage),
    // Blocks are parsed JSON, whatever their types say.
    ...(isWanted(returned) ? { providerData: returned as unknown as Json } : {}),
  }
}

/** Thinking is wanted back only with the calls that it led to, or to go on after a pause. */
function isWanted(blocks: readonly WireBlock[]): boolean {
  return blocks.some(({ type }) => type !== 'text' && !THINKING.has(type)) || blocks.some(hasCitations)
}

const THINKING: ReadonlySet<string> = new Set(['thinking', 'redacted_thinking'])

/** A message has a place for its text and its calls, and for nothing else of it. */
function isReturned(block: WireBlock): boolean {
  return (block.type !== 'text' && block.type !== 'tool_use') || hasCitations(block)
}

function hasCitations(block: WireBlock): boolean {
  return Array.isArray(block['citations']) && block['citations'].length > 0
}

function isSendable(block: WireBlock): boolean {
  return block.type !== 'text' || (block.text ?? '').trim() !== ''
}
