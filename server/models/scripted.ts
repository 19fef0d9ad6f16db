import { AssertionError, deepStrictEqual } from 'node:assert'
import type { ToolCall } from '../contract/message.ts'
import { ModelError } from '../ports/model.ts'
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
  /**
   * What this turn is to be asked: what is named of the request has to be so, lists as a whole. Or a function that throws. A request
   * that is otherwise fails its run, and `run` of a test runtime throws what differs.
   *
   * @example
   * { asked: { messages: [{ role: 'user', content: 'Hi' }], tools: [{ name: 'add' }] }, text: 'Hello' }
   */
  asked?: Asked
}

/** What is expected of a request, or a check of it. */
export type Asked = DeepPartial<ModelRequest> | ((request: ModelRequest) => void)

type DeepPartial<T> = T extends readonly (infer U)[]
  ? readonly DeepPartial<U>[]
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T

export type ScriptedTurn = ScriptedAnswer | readonly ScriptedStep[] | { error: Error }

export interface ScriptedModel extends Model {
  /** The requests so far, oldest first, with the script's own ids of tool calls. */
  readonly requests: readonly ModelRequest[]
  /** @throws AssertionError, the first one, when it was asked otherwise than its script expects. */
  assertAsked(): void
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
  let mismatch: Error | undefined
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
    assertAsked() {
      if (mismatch !== undefined) throw mismatch
    },
    async *stream(request, signal) {
      signal.throwIfAborted()
      const { messages } = toProviderMessages(request.messages, provider)
      const asked: ModelRequest = structuredClone({ ...request, messages })
      requests.push(asked)
      const turn = turns[requests.length - 1]
      try {
        checkAsked(turn, { asked, number: requests.length, turns: turns.length })
      } catch (error) {
        mismatch ??= error as Error
        // Another attempt would be asked by the next turn.
        const { message } = error as Error
        throw new ModelError(message, { code: 'invalid_request', retriable: false, cause: error })
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

function checkAsked(
  turn: ScriptedTurn | undefined,
  { asked, number, turns }: { asked: ModelRequest; number: number; turns: number },
): asserts turn is ScriptedTurn {
  if (turn === undefined) {
    throw new AssertionError({ message: `The script has ${turns} turns, but this is request ${number}.` })
  }
  if (isSteps(turn) || !('asked' in turn) || turn.asked === undefined) return
  if (typeof turn.asked === 'function') turn.asked(asked)
  else assertIncludes(asked, turn.asked, `Request ${number} is not what the script expects.`)
}

/** @throws AssertionError when a model has a script and was asked otherwise. */
export function assertAsked(model: Model | undefined): void {
  if (model !== undefined && 'assertAsked' in model) (model as ScriptedModel).assertAsked()
}

/** @throws AssertionError whose message shows what differs, of what was expected alone. */
function assertIncludes(actual: unknown, expected: unknown, message: string): void {
  try {
    deepStrictEqual(named(actual, expected), expected)
  } catch (error) {
    const difference = (error as Error).message
    throw new AssertionError({ message: `${message}\n${difference}`, actual, expected })
  }
}

/** Of a value, what is named of it. */
function named(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    return actual.map((each: unknown, index) => named(each, expected[index]))
  }
  if (!isRecord(expected) || !isRecord(actual)) return actual
  return Object.fromEntries(Object.keys(expected).map((key) => [key, named(actual[key], expected[key])]))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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
