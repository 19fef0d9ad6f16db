import type { AnyAgent } from '../agent/define-agent.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { TerminalEventType } from '../contract/terminal.ts'
import type { Json } from '../contract/json.ts'
import type { RunError } from '../contract/run.ts'
import { ModelError } from '../llm/model.ts'
import type { RunEnding } from '../ports.ts'
import type { RunInterruption } from './interruption.ts'

/** How an attempt ends: what the run's row gets, and the payload of its terminal event. */
export interface Ending {
  type: TerminalEventType
  payload: Json
  ending: RunEnding
}

export function succeeded(agent: AnyAgent, result: Awaited<ReturnType<AnyAgent['run']>>): Ending {
  const given = (result ?? {}).output ?? null
  const parsed = agent.output?.safeParse(given)
  if (parsed?.success === false) {
    return failed({
      message: 'The agent returned an output that does not match its declared schema.',
      code: 'invalid_output',
      details: parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
    })
  }
  const output = (parsed === undefined ? given : parsed.data) as Json
  return {
    type: 'run.succeeded',
    payload: { output },
    ending: { status: 'succeeded', output, error: null, messages: (result ?? {}).messages ?? [] },
  }
}

export function failed(error: RunError): Ending {
  const { message, code, details } = error
  return {
    type: 'run.failed',
    payload: { error: message, code, ...(details === undefined ? {} : { details }) },
    ending: { status: 'failed', output: null, error, messages: [] },
  }
}

/** What an owner may read of an error the agent threw. The rest goes to the log alone. */
export function toRunError(error: unknown): RunError {
  if (error instanceof AgentRuntimeError) {
    const { message, code, details } = error
    return { message, code, ...(details === undefined ? {} : { details }) }
  }
  // Written to be shown: it names what the provider refused, without keys and without the request.
  if (error instanceof ModelError) return { message: error.message, code: 'model_error' }
  return { message: 'The agent failed with an unexpected error.', code: 'agent_error' }
}

export function interrupted(kind: Exclude<RunInterruption['kind'], 'lost'>, timeoutMs: number): Ending {
  switch (kind) {
    case 'cancelled':
      return {
        type: 'run.cancelled',
        payload: {},
        ending: { status: 'cancelled', output: null, error: null, messages: [] },
      }
    case 'timed_out': {
      const error = { message: `The run took longer than ${timeoutMs / 1000} s.`, code: 'timed_out' }
      return {
        type: 'run.timed_out',
        payload: { error: error.message, timeoutMs },
        ending: { status: 'timed_out', output: null, error, messages: [] },
      }
    }
  }
}
