import type { Hint } from '../ports/event-bus.ts'
import type { ChangedRun } from '../ports/upkeep.ts'

/** Hints for readers and workers about runs that were changed from outside of an attempt. */
export function hintsOf(runs: readonly ChangedRun[]): Hint[] {
  return runs.map((run) => ({ kind: 'events', runId: run.id, seq: run.lastSeq }))
}

/** The same for runs that are to be cancelled. The workers of running ones look at the row. */
export function cancelHintsOf(runs: readonly ChangedRun[]): Hint[] {
  const running = runs.filter(({ status }) => status === 'running')
  return [...hintsOf(runs), ...running.map(({ id }) => ({ kind: 'cancel' as const, runId: id }))]
}
