// How a run ended. Its terminal event and its record both tell.
import type { EventEnvelope } from '../server/contract/event.ts'
import type { Json } from '../server/contract/json.ts'
import type { Run, RunError } from '../server/contract/run.ts'
import type { TerminalStatus } from '../server/contract/terminal.ts'
import { isTerminal, isTerminalEvent } from '../server/contract/terminal.ts'

/** An event of which only the envelope is known. Typed events and events of a newer server fit too. */
export interface UntypedEvent extends EventEnvelope {
  type: string
  payload: unknown
}

export interface RunEnding {
  status: TerminalStatus
  output: Json
  /** Null for a run that succeeded or was cancelled, since nothing went wrong. */
  error: RunError | null
}

export function endingOfRun(run: Run): RunEnding | null {
  if (!isTerminal(run.status)) return null
  const { status, output } = run
  const wentWrong = status === 'failed' || status === 'timed_out'
  return { status, output, error: wentWrong ? (run.error ?? errorOf(status, {})) : null }
}

/** Whether the event tells of a success without the output. Not every reader is sent the output, but the run's record has it. */
export function lacksOutput({ type, payload }: UntypedEvent): boolean {
  return type === 'run.succeeded' && !Object.hasOwn(fieldsOf(payload), 'output')
}

export function endingOfEvent(event: UntypedEvent): RunEnding | null {
  if (!isTerminalEvent(event.type)) return null
  const payload = fieldsOf(event.payload)
  switch (event.type) {
    case 'run.succeeded':
      return { status: 'succeeded', output: payload['output'] ?? null, error: null }
    case 'run.cancelled':
      return { status: 'cancelled', output: null, error: null }
    case 'run.failed':
      return { status: 'failed', output: null, error: errorOf('failed', payload) }
    case 'run.timed_out':
      return { status: 'timed_out', output: null, error: errorOf('timed_out', payload) }
  }
}

const FALLBACK = {
  failed: 'The run failed.',
  timed_out: 'The run took longer than it may.',
}

function errorOf(status: 'failed' | 'timed_out', payload: { [key: string]: Json }): RunError {
  const { error, code, details } = payload
  return {
    message: typeof error === 'string' ? error : FALLBACK[status],
    code: typeof code === 'string' ? code : status,
    ...(details === undefined ? {} : { details }),
  }
}

/** The fields of a payload, or none if it is no object. A payload is JSON, since it crossed the wire. */
export function fieldsOf(payload: unknown): { [key: string]: Json } {
  return typeof payload === 'object' && payload !== null ? (payload as { [key: string]: Json }) : {}
}
