// The transitions of a run: from which status to which, and the event that each writes as the run's newest.
import type { RuntimeEventType } from '../contract/runtime-events.ts'
import type { RunStatus } from '../contract/run.ts'
import { OPEN_STATUSES } from '../contract/terminal.ts'
import type { OpenStatus } from '../contract/terminal.ts'

export interface Transition {
  readonly from: readonly OpenStatus[]
  readonly to: RunStatus
  readonly event: RuntimeEventType
}

/** A run is created as `queued`, without an event. docs/architecture.md says when each transition happens. */
export const TRANSITIONS = {
  /** A worker claims it: it is due, or the time of its wait is up. */
  started: { from: ['queued', 'waiting'], to: 'running', event: 'run.started' },
  succeeded: { from: ['running'], to: 'succeeded', event: 'run.succeeded' },
  /** Its attempts are used up, or another would be useless. */
  failed: { from: ['running'], to: 'failed', event: 'run.failed' },
  timedOut: { from: ['running'], to: 'timed_out', event: 'run.timed_out' },
  cancelled: { from: OPEN_STATUSES, to: 'cancelled', event: 'run.cancelled' },
  /** Its attempt is over and another follows: it failed, its worker stops, or its worker was lost. */
  retried: { from: ['running'], to: 'queued', event: 'run.retrying' },
  suspended: { from: ['running'], to: 'waiting', event: 'run.waiting' },
  /** Its wait was answered, or the child it waits for is over. */
  resumed: { from: ['waiting'], to: 'queued', event: 'run.resumed' },
  /** It was not started before `expiresAt`. */
  expired: { from: ['queued'], to: 'timed_out', event: 'run.timed_out' },
  /** The database refuses to claim it. */
  refused: { from: ['queued', 'waiting'], to: 'failed', event: 'run.failed' },
} as const satisfies Record<string, Transition>
