import type { Hint } from '../ports/event-bus.ts'
import type { ChangedRun } from '../ports/upkeep.ts'

/** Hints for readers about runs that were changed outside of an attempt. */
export function hintsOf(runs: readonly ChangedRun[]): Hint[] {
  return runs.map((run) => ({ kind: 'events', runId: run.id, seq: run.lastSeq }))
}

/** As `hintsOf`, for runs to cancel: the workers of running ones look at the row. */
export function cancelHintsOf(runs: readonly ChangedRun[]): Hint[] {
  const running = runs.filter(({ status }) => status === 'running')
  return [...hintsOf(runs), ...running.map(({ id }) => ({ kind: 'cancel' as const, runId: id }))]
}
