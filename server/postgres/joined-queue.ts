import type { QueuedRun, Taken } from '../ports/queue.ts'
import type { Transaction } from './connections/transaction.ts'

/** Delivers runs in the transaction that has made them ones to be taken up. */
export type Deliver = (runs: readonly QueuedRun[], tx: Transaction) => Promise<void>

/** A queue in the store's own database: what it takes in and gives out commits with the store's writes. */
export interface JoinedQueue {
  deliver: Deliver
  /** Up to `limit` deliveries for one agent, for as long as the transaction lasts; `done` deletes them in it. */
  take(agentKey: string, limit: number, tx: Transaction): Promise<Taken>
}
