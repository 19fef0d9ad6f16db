import type { ToolCall } from '../contract/message.ts'
import type { Model, ModelChunk, ModelRequest, TokenUsage } from '../ports/model.ts'
import { toProviderMessages } from './provider/provider-messages.ts'

/** One thing a scripted turn does: stream a chunk, throw, or wait for a promise of the test's. */
export type ScriptedStep = ModelChunk | { error: Error } | { waitFor: Promise<unknown> }

/** A turn in short: what to say and which tools to call. Text in a list streams piece by piece. */
export interface ScriptedAnswer {
  reasoning?: string
  text?: string | readonly string[]
  /** Ids are `call-1`, `call-2`, … over the whole script when they are left out. */
  toolCalls?: readonly (Omit<ToolCall, 'id'> & { id?: string })[]
  usage?: TokenUsage
}

export type ScriptedTurn = ScriptedAnswer | readonly ScriptedStep[] | { error: Error }

export interface ScriptedModel extends Model {
  /** The requests so far, oldest first, with the script's own ids of tool calls. */
  readonly requests: readonly ModelRequest[]
}

/**
 * A model for tests: answers its nth request with the nth turn of a script, whoever asks. A turn given
 * as steps gets its `finish` chunk added when it has none.
 *
 * @throws Error, when streamed, once the script has run out.
 * @example
 * const model = createScriptedModel([
 *   { toolCalls: [{ name: 'add', arguments: { a: 1, b: 2 } }] },
 *   { text: ['It is ', '3.'] },
 * ])
 */
export function createScriptedModel(
  turns: readonly ScriptedTurn[],
  names: { provider?: string; name?: string } = {},
): ScriptedModel {
  const requests: ModelRequest[] = []
  const provider = names.provider ?? 'scripted'
  let calls = 0

  const toSteps = (turn: ScriptedTurn): readonly ScriptedStep[] => {
    if (isSteps(turn)) return turn
    if ('error' in turn) return [turn]
    const texts = typeof turn.text === 'string' ? [turn.text] : (turn.text ?? [])
    return [
      ...(turn.reasoning === undefined ? [] : [{ type: 'reasoning' as const, text: turn.reasoning }]),
      ...texts.map((text) => ({ type: 'text' as const, text })),
      ...(turn.toolCalls ?? []).map((call) => ({
        type: 'tool-call' as const,
        toolCall: { id: `call-${++calls}`, ...call },
      })),
      toFinish(turn.toolCalls?.length ? 'tool-calls' : 'stop', turn.usage),
    ]
  }

  return {
    provider,
    name: names.name ?? 'scripted',
    requests,
    async *stream(request, signal) {
      signal.throwIfAborted()
      const { messages } = toProviderMessages(request.messages, provider)
      requests.push(structuredClone({ ...request, messages }))
      const turn = turns[requests.length - 1]
      if (turn === undefined) {
        throw new Error(`The script has ${turns.length} turns, but this is request ${requests.length}.`)
      }
      const steps = toSteps(turn)
      for (const step of steps) {
        if ('waitFor' in step) await settledOrAborted(step.waitFor, signal)
        else if ('error' in step) throw step.error
        else yield step
        signal.throwIfAborted()
      }
      if (steps.some((step) => 'type' in step && step.type === 'finish')) return
      yield toFinish(
        steps.some((step) => 'type' in step && step.type === 'tool-call') ? 'tool-calls' : 'stop',
      )
    },
  }
}

function isSteps(turn: ScriptedTurn): turn is readonly ScriptedStep[] {
  return Array.isArray(turn)
}

function toFinish(
  reason: 'stop' | 'tool-calls',
  usage: TokenUsage = { inputTokens: 0, outputTokens: 0 },
): ModelChunk {
  return { type: 'finish', reason, usage }
}

function settledOrAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
