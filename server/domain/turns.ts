import type { EventBus, Hint } from '../ports/event-bus.ts'
import type { Queue } from '../ports/queue.ts'
import type { Store } from '../ports/store.ts'
import type { ChangedRun } from '../ports/upkeep.ts'

export interface TurnPorts {
  store: Pick<Store, 'giveTurns'>
  queue: Pick<Queue, 'enqueue'>
  bus: Pick<EventBus, 'publish'>
}

/**
 * Lets the next run of each conversation start where none is under way any more. Called when a run of it has
 * ended, and, for processes that die in between, now and then for all (`null`).
 */
export async function giveTurns(
  { store, queue, bus }: TurnPorts,
  conversationIds: readonly string[] | null,
): Promise<void> {
  const runs = await store.giveTurns(conversationIds, (queued, tx) => queue.enqueue(queued, tx))
  bus.publish(runs.map((run) => ({ kind: 'queued', agentKey: run.agentKey })))
}

/** Tells those who follow runs, or could execute them, what was changed from outside of an attempt. */
export function hintsOf(runs: readonly ChangedRun[]): Hint[] {
  return runs.flatMap((run): Hint[] => [
    { kind: 'events', runId: run.id, seq: run.lastSeq },
    ...(run.status === 'queued' ? [{ kind: 'queued' as const, agentKey: run.agentKey }] : []),
  ])
}

/** The same for runs whose cancellation was asked for: the workers of those that run are to look. */
export function cancelHintsOf(runs: readonly ChangedRun[]): Hint[] {
  const running = runs.filter(({ status }) => status === 'running')
  return [...hintsOf(runs), ...running.map(({ id }) => ({ kind: 'cancel' as const, runId: id }))]
}
