import type { FinishReason, ModelChunk } from '../../ports/model.ts'
import type { ModelError } from '../../ports/model.ts'
import { parseToolArguments } from '../provider/tool-arguments.ts'
import { type AnswerPart, toAnswerData, toAnswerPart } from './answer-parts.ts'
import { createCalls } from './calls.ts'
import { StreamPart, toUsage } from './wire.ts'

interface Source {
  /** The error to throw for what the model says went wrong; for a stream that ended before the answer did, without one. */
  toError(error?: unknown): ModelError
  /** The model lives. */
  onActivity(): void
}

/**
 * Turns what a model of the AI SDK streams into the port's chunks. What its provider may want back goes with `finish`.
 *
 * @throws what `toError` makes of an error in the stream, or of its end before the answer's.
 */
export async function* fromStreamParts(
  stream: AsyncIterable<unknown>,
  { toError, onActivity }: Source,
): AsyncGenerator<ModelChunk, void, undefined> {
  const parts: AnswerPart[] = []
  const open = new Map<string, Extract<AnswerPart, { type: 'text' | 'reasoning' }>>()
  const calls = createCalls()
  /** Of an answer: text and thoughts are told apart by their ids. */
  const extend = (type: 'text' | 'reasoning', { id = '', delta, providerMetadata }: StreamPart) => {
    const key = `${type} ${id}`
    let part = open.get(key)
    if (part === undefined) {
      part = { type, text: '' }
      open.set(key, part)
      parts.push(part)
    }
    part.text += delta ?? ''
    if (providerMetadata !== undefined) part.metadata = providerMetadata
  }

  for await (const value of stream) {
    onActivity()
    const part = StreamPart.parse(value)
    const { type, id = '', delta } = part
    switch (type) {
      case 'text-start':
      case 'text-delta':
      case 'text-end':
        extend('text', part)
        if (delta) yield { type: 'text', text: delta }
        if (type === 'text-end') open.delete(`text ${id}`)
        break
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
        extend('reasoning', part)
        if (delta) yield { type: 'reasoning', text: delta }
        if (type === 'reasoning-end') open.delete(`reasoning ${id}`)
        break
      case 'tool-input-start':
        if (part.providerExecuted !== true) yield calls.begin(id, part.toolName ?? '')
        break
      case 'tool-input-delta': {
        const piece = calls.extend(id, delta ?? '')
        if (piece !== undefined) yield piece
        break
      }
      case 'tool-call': {
        const { toolCallId = '', toolName: name = '', input, providerMetadata: metadata } = part
        const isTheirs = part.providerExecuted === true
        const given = parseToolArguments(typeof input === 'string' ? input : JSON.stringify(input ?? {}))
        parts.push({ type, id: toolCallId, name, input: given, isTheirs, metadata })
        if (!isTheirs) yield* calls.end({ id: toolCallId, name, arguments: given })
        break
      }
      case 'error':
        throw toError(part.error ?? new Error('The model failed.'))
      case 'finish':
        yield* calls.rest()
        yield toFinish(part, { parts, calls: calls.count, toError })
        return
      default: {
        const whole = toAnswerPart(part)
        if (whole !== undefined) parts.push(whole)
      }
    }
  }
  throw toError()
}

const REASONS: Readonly<Record<string, FinishReason>> = {
  'tool-calls': 'tool-calls',
  length: 'length',
  'content-filter': 'content-filter',
}

function toFinish(
  { finishReason, usage }: StreamPart,
  { parts, calls, toError }: { parts: readonly AnswerPart[]; calls: number } & Pick<Source, 'toError'>,
): ModelChunk {
  const { unified = 'other', raw } = finishReason ?? {}
  const counted = toUsage(usage)
  const isCounted = counted.inputTokens + counted.outputTokens > 0
  // Providers end a stream that was cut off by themselves, without a reason of the model's.
  const isCut = raw === undefined && (unified === 'error' || (unified === 'other' && !isCounted))
  if (isCut) throw toError()
  if (unified === 'error') throw toError(new Error(`The model ended its answer with "${raw}".`))
  const known = raw === 'pause_turn' ? 'paused' : (REASONS[unified] ?? 'stop')
  const providerData = toAnswerData(parts)
  return {
    type: 'finish',
    reason: known === 'stop' && calls > 0 ? 'tool-calls' : known,
    usage: counted,
    ...(providerData === undefined ? {} : { providerData }),
  }
}
