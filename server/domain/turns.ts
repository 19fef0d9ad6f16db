import { createDelivery } from '../events/delivery.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventBus, Hint } from '../ports/event-bus.ts'
import type { Queue } from '../ports/queue.ts'
import type { Store } from '../ports/store.ts'
import type { ChangedRun, TurnsToGive } from '../ports/upkeep.ts'

export interface TurnPorts {
  store: Pick<Store, 'giveTurns'>
  queue: Pick<Queue, 'enqueue'>
  bus: Pick<EventBus, 'publish'>
  clock: Pick<Clock, 'now'>
}

/**
 * Lets the next run of each conversation start where none is under way any more. Called when a run of it has
 * ended, and, for processes that die in between, with what upkeep finds.
 */
export async function giveTurns({ store, queue, bus, clock }: TurnPorts, turns: TurnsToGive): Promise<void> {
  const delivery = createDelivery(queue, clock)
  await store.giveTurns(turns, delivery.enqueue)
  bus.publish(delivery.hints())
}

/** Tells those who follow runs, or execute them, what was changed from outside of an attempt. */
export function hintsOf(runs: readonly ChangedRun[]): Hint[] {
  return runs.map((run) => ({ kind: 'events', runId: run.id, seq: run.lastSeq }))
}

/** The same for runs whose cancellation was asked for: the workers of those that run are to look. */
export function cancelHintsOf(runs: readonly ChangedRun[]): Hint[] {
  const running = runs.filter(({ status }) => status === 'running')
  return [...hintsOf(runs), ...running.map(({ id }) => ({ kind: 'cancel' as const, runId: id }))]
}
