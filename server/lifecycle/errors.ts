// Why a run did not end well, as its owner reads it: every error that the runtime itself gives a run.
import type { Json } from '../contract/json.ts'
import type { RunError } from '../contract/run.ts'

/** Its process died, or was cut off until its lease ran out. */
export const WORKER_LOST: RunError = {
  message: 'The worker that executed the run was lost.',
  code: 'worker_lost',
}

/** The worker itself could still say so. */
export const WORKER_BROKE: RunError = {
  message: 'An error that nobody caught broke the process that executed the run.',
  code: WORKER_LOST.code,
}

export const WORKER_STOPPED: RunError = { message: 'The worker is stopping.', code: 'worker_stopped' }

export const EXPIRED: RunError = { message: 'The run was not started before it expired.', code: 'expired' }

/** The reason goes only to the log: it may quote what others put into the database. */
export const START_REFUSED: RunError = {
  message: 'The run could not be started: the database refused it.',
  code: 'start_refused',
}

/** The agent threw something that was not made to be shown. It goes only to the log. */
export const AGENT_BROKE: RunError = {
  message: 'The agent failed with an unexpected error.',
  code: 'agent_error',
}

export const INVALID_PARAMS: RunError = {
  message: "The run's params do not match the agent's schema.",
  code: 'validation_failed',
}

/** @param what the agent returned, e.g. "an output that is not JSON" */
export function invalidOutput(what: string, details?: Json): RunError {
  return {
    message: `The agent returned ${what}.`,
    code: 'invalid_output',
    ...(details === undefined ? {} : { details }),
  }
}

const UNITS = { tokens: 'tokens', toolCalls: 'tool calls' } as const

export function budgetExceeded(details: {
  budget: keyof typeof UNITS
  limit: number
  used: number
}): RunError {
  const { budget, limit, used } = details
  return {
    message: `The run's budget is used up: ${used} of ${limit} ${UNITS[budget]}.`,
    code: 'budget_exceeded',
    details,
  }
}

const TIMED_OUT = { before: 'The run took longer than ', after: ' s.', code: 'timed_out' }

export function timedOut(timeoutMs: number): RunError {
  return { message: `${TIMED_OUT.before}${timeoutMs / 1000}${TIMED_OUT.after}`, code: TIMED_OUT.code }
}

/** The same in SQL, of an expression. */
export function timedOutSql(timeoutMs: string): string {
  const message = `'${TIMED_OUT.before}' || trim_scale(${timeoutMs} / 1000.0) || '${TIMED_OUT.after}'`
  return `jsonb_build_object('message', ${message}, 'code', '${TIMED_OUT.code}')`
}
