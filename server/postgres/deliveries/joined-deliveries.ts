// Deliveries of a queue in the store's own database, which commit with the store's writes.
import type pg from 'pg'
import type { QueuedRun } from '../../ports/queue.ts'
import { inTransaction } from '../connections/transaction.ts'
import type { Transaction } from '../connections/transaction.ts'
import type { Deliver, Deliveries, TakenRuns } from './deliveries.ts'

export interface JoinedQueue {
  deliver: Deliver
  /** Takes up to `limit` deliveries of an agent until the transaction ends. `done` deletes them in that transaction. */
  take(agentKey: string, limit: number, tx: Transaction): Promise<Omit<TakenRuns, 'postpone'>>
}

/** @param onDelivered called with delivered runs after the commit */
export function createJoinedDeliveries(
  pool: pg.Pool,
  queue: JoinedQueue,
  onDelivered: (runs: readonly QueuedRun[]) => void,
): Deliveries {
  return {
    deliver: queue.deliver,
    committed: onDelivered,
    taking: ({ agentKey, limit }, claim) =>
      inTransaction(pool, async (client, tx) => {
        const taken = await queue.take(agentKey, limit, tx)
        // Nothing to postpone: delivery and run use the time of one transaction, so no run is taken before it is due.
        return claim({ ...taken, postpone: async () => {} }, { client, tx, deliver: queue.deliver })
      }),
  }
}
