// Runs an agent's client tools: calls the page's function for each call that the run waits for, and answers.
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Json } from '../server/contract/json.ts'
import type { RespondInput, RunDetail } from '../server/contract/run.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import { TOOL_PREFIX } from '../server/contract/wait-names.ts'
import type { PendingWait, ToolAnswer } from '../server/contract/wait.ts'
import type { ClientClock } from './clock.ts'
import { isRetriable } from './link.ts'
import type { RunStore } from './run-store.ts'
import { toAgentError } from './to-agent-error.ts'

/** Functions by the names of tools, whatever their types. */
export type AnyToolHandlers = Readonly<
  Record<string, ((input: never, call: { toolCallId: string }) => unknown) | undefined>
>

export interface RunToolsOptions {
  /** Stops running further calls. A call that has begun goes on and is answered. */
  signal?: AbortSignal
  /**
   * Called for each call whose function throws, and for each answer that the server refuses. If the run goes on, the model is told too.
   * Calls after a refused answer still run. Default: the first refused answer ends it, and rejects.
   */
  onError?: (error: unknown, call: { tool: string; toolCallId: string }) => void
}

export interface RunToolsDependencies {
  clock: ClientClock
  store(runId: string): RunStore
  getRun(runId: string): Promise<RunDetail>
  respond(answer: RespondInput): Promise<unknown>
}

interface Serving {
  tools: AnyToolHandlers
  onError: RunToolsOptions['onError'] | undefined
  /** The calls whose answers were refused for good. Another try would run them again and fail again. */
  refused: Set<string>
}

export type RunTools = (runId: string, tools: AnyToolHandlers, options?: RunToolsOptions) => Promise<void>

/** One client runs each call once, even if several callers run the tools of one run. */
export function createRunTools({ clock, store, getRun, respond }: RunToolsDependencies): RunTools {
  const begun = new Set<string>()

  async function serve(
    runId: string,
    wait: PendingWait,
    { tools, refused, onError }: Serving,
  ): Promise<void> {
    const call = callOf(wait)
    const handler = call !== undefined && Object.hasOwn(tools, call.tool) ? tools[call.tool] : undefined
    const { name, occurrence = 1 } = wait
    const key = `${runId}/${name}/${occurrence}`
    if (call === undefined || handler === undefined || begun.has(key) || refused.has(key)) return
    begun.add(key)
    // Called later, so that the page's `onError` neither breaks nor delays the run.
    const tell = (error: unknown) =>
      void Promise.resolve().then(() => onError?.(error, { tool: call.tool, toolCallId: call.toolCallId }))
    try {
      // While old events are replayed, an earlier wait looks pending.
      const { waits } = await patiently(() => getRun(runId))
      if (waits.some((open) => open.name === name && (open.occurrence ?? 1) === occurrence)) {
        await answer({ runId, wait: name, occurrence, value: await answerOf(handler, call, tell) }, tell)
      }
    } catch (error) {
      tell(error)
      refused.add(key)
      if (onError === undefined) throw error
    } finally {
      begun.delete(key)
    }
  }

  async function answer(answered: RespondInput, tell: (error: unknown) => void): Promise<void> {
    try {
      await patiently(() => respond(answered))
    } catch (error) {
      const { code } = toAgentError(error)
      // Another tab answered first, or the run no longer waits.
      if (code === 'conflict' || code === 'not_found') return
      if (code !== 'validation_failed' && code !== 'payload_too_large') throw error
      const failure = { error: 'What the page made of it is not of the form that the tool declares.' }
      if ('error' in Object(answered.value)) throw error
      tell(error)
      await answer({ ...answered, value: failure }, tell)
    }
  }

  async function patiently<T>(ask: () => Promise<T>): Promise<T> {
    let isRefused = false
    for (let failures = 0; ; failures += 1) {
      try {
        return await ask()
      } catch (error) {
        const failure = toAgentError(error)
        // The run could be followed before, so the token has expired. Try once more, since there may be a new token.
        const isWorthIt = isRetriable(failure) || (failure.code === 'unauthorized' && !isRefused)
        isRefused ||= failure.code === 'unauthorized'
        if (!isWorthIt) throw error
        await clock.sleep(Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** failures))
      }
    }
  }

  return (runId, tools, { signal, onError } = {}) => {
    const run = store(runId)
    const serving: Serving = { tools, refused: new Set(), onError }
    let unsubscribe = () => {}
    let leave = () => {}
    const done = new Promise<void>((resolve, reject) => {
      // The page may have left while this code was loaded. Then nothing begins.
      if (signal?.aborted) return resolve()
      const look = () => {
        const { waits, isActive, status, error } = run.getSnapshot()
        for (const wait of waits) void serve(runId, wait, serving).catch(reject)
        if (isActive) return
        if (isTerminal(status) || error === null) resolve()
        else reject(new AgentRuntimeError(error.code as 'unavailable', error.message))
      }
      leave = resolve
      signal?.addEventListener('abort', leave)
      unsubscribe = run.subscribe(look)
      look()
    })
    return done.finally(() => {
      signal?.removeEventListener('abort', leave)
      unsubscribe()
    })
  }
}

const MIN_PAUSE_MS = 250
const MAX_PAUSE_MS = 15_000

interface Call {
  tool: string
  arguments: unknown
  toolCallId: string
}

function callOf({ name, details }: PendingWait): Call | undefined {
  if (!name.startsWith(TOOL_PREFIX)) return undefined
  const { tool, toolCallId, arguments: args } = Object(details) as Partial<Call>
  return typeof tool === 'string' && typeof toolCallId === 'string'
    ? { tool, toolCallId, arguments: args }
    : undefined
}

async function answerOf(
  handler: NonNullable<AnyToolHandlers[string]>,
  { arguments: args, toolCallId }: Call,
  tell: (error: unknown) => void,
): Promise<ToolAnswer> {
  try {
    const result = await handler(args as never, { toolCallId })
    return { result: (result ?? null) as Json }
  } catch (error) {
    tell(error)
    return { error: (error instanceof Error ? error.message : String(error)).slice(0, 1_000) }
  }
}
