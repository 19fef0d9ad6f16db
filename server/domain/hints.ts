import type { Hint } from '../ports/event-bus.ts'
import type { ChangedRun } from '../ports/upkeep.ts'

/** Tells those who follow runs, or execute them, what was changed from outside of an attempt. */
export function hintsOf(runs: readonly ChangedRun[]): Hint[] {
  return runs.map((run) => ({ kind: 'events', runId: run.id, seq: run.lastSeq }))
}

/** The same for runs whose cancellation was asked for: the workers of those that run are to look. */
export function cancelHintsOf(runs: readonly ChangedRun[]): Hint[] {
  const running = runs.filter(({ status }) => status === 'running')
  return [...hintsOf(runs), ...running.map(({ id }) => ({ kind: 'cancel' as const, runId: id }))]
}
