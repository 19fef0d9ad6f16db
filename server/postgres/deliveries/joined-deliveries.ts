// Deliveries of a queue in the store's own database. They commit with the store's writes.
import type pg from 'pg'
import type { QueuedRun } from '../../ports/queue.ts'
import { inTransaction } from '../connections/transaction.ts'
import type { Transaction } from '../connections/transaction.ts'
import type { Deliver, Deliveries, TakenRuns } from './deliveries.ts'

export interface JoinedQueue {
  deliver: Deliver
  /** Up to `limit` deliveries for one agent, for as long as the transaction lasts; `done` deletes them in it. */
  take(agentKey: string, limit: number, tx: Transaction): Promise<Omit<TakenRuns, 'postpone'>>
}

/** @param onDelivered told of runs that were delivered, when that has committed */
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
        // Delivery and run go by the time of one transaction, so nothing is taken before its run is due.
        return claim({ ...taken, postpone: async () => {} }, { client, tx, deliver: queue.deliver })
      }),
  }
}
