// The errors that the runtime itself gives a run, as its owner reads them.
import type { Json } from '../contract/json.ts'
import type { RunError } from '../contract/run.ts'

/** The worker's process died, or was cut off until the lease ran out. */
export const WORKER_LOST: RunError = {
  message: 'The worker that executed the run was lost.',
  code: 'worker_lost',
}

/** The worker's process broke, but could still report it. */
export const WORKER_BROKE: RunError = {
  message: 'An error that nobody caught broke the process that executed the run.',
  code: WORKER_LOST.code,
}

export const WORKER_STOPPED: RunError = { message: 'The worker is stopping.', code: 'worker_stopped' }

export const EXPIRED: RunError = { message: 'The run was not started before it expired.', code: 'expired' }

/** The reason goes only to the log: it may quote other callers' data. */
export const START_REFUSED: RunError = {
  message: 'The run could not be started: the database refused it.',
  code: 'start_refused',
}

/** The agent threw an error that callers must not see. It goes only to the log. */
export const AGENT_BROKE: RunError = {
  message: 'The agent failed with an unexpected error.',
  code: 'agent_error',
}

export const INVALID_PARAMS: RunError = {
  message: "The run's params do not match the agent's schema.",
  code: 'validation_failed',
}

/** The agent's code has another version than the one that began the run. */
export function versionChanged(from: string, to: string, isBegunAnew = false): RunError {
  const what = isBegunAnew ? 'It begins anew.' : 'It cannot continue with that one.'
  return {
    message: `The run was begun by version ${JSON.stringify(from)} of its agent, and there is version ${JSON.stringify(to)} now. ${what}`,
    code: 'version_changed',
    details: { from, to },
  }
}

/** @param what the agent returned, e.g. "an output that is not JSON" */
export function invalidOutput(what: string, details?: Json): RunError {
  return {
    message: `The agent returned ${what}.`,
    code: 'invalid_output',
    ...(details === undefined ? {} : { details }),
  }
}

const UNITS = { tokens: 'tokens', toolCalls: 'tool calls', cost: 'in cost' } as const

export function budgetExceeded(details: {
  budget: keyof typeof UNITS
  limit: number
  /** Null when it is not known. */
  used: number | null
}): RunError {
  const { budget, limit, used } = details
  return {
    message:
      used === null
        ? `The run's budget of ${limit} ${UNITS[budget]} can't be kept: what its model costs is not known.`
        : `The run's budget is used up: ${used} of ${limit} ${UNITS[budget]}.`,
    code: 'budget_exceeded',
    details,
  }
}

const TIMED_OUT = { before: 'The run took longer than ', after: ' s.', code: 'timed_out' }

export function timedOut(timeoutMs: number): RunError {
  return { message: `${TIMED_OUT.before}${timeoutMs / 1000}${TIMED_OUT.after}`, code: TIMED_OUT.code }
}

/** The error of `timedOut` in SQL, for an expression. */
export function timedOutSql(timeoutMs: string): string {
  const message = `'${TIMED_OUT.before}' || trim_scale(${timeoutMs} / 1000.0) || '${TIMED_OUT.after}'`
  return `jsonb_build_object('message', ${message}, 'code', '${TIMED_OUT.code}')`
}
