import type { Json } from '../server/contract/json.ts'
import type { TerminalStatus } from '../server/contract/terminal.ts'
import type { RunEnding } from './run-ending.ts'

/**
 * `result()` rejects with it when a run ended without a result. Errors of the call itself (not found,
 * unauthorized, …) are `AgentRuntimeError`.
 *
 * @example
 * try { await run.result() }
 * catch (error) { if (error instanceof RunFailedError && error.code === 'cancelled') … }
 */
export class RunFailedError extends Error {
  override readonly name = 'RunFailedError'
  readonly runId: string
  /** How the run ended. */
  readonly code: Exclude<TerminalStatus, 'succeeded'>
  /** The code of the run's own error, e.g. `agent_error`. Undefined for a cancelled run. */
  readonly reason: string | undefined
  readonly details: Json | undefined

  constructor(runId: string, code: Exclude<TerminalStatus, 'succeeded'>, error: RunEnding['error']) {
    super(error?.message ?? 'The run was cancelled.')
    this.runId = runId
    this.code = code
    this.reason = error?.code
    this.details = error?.details
  }
}
