import type pg from 'pg'
import type { QueuedRun } from '../../ports/queue.ts'
import type { Transaction } from '../connections/transaction.ts'

/** Delivers runs in the transaction that has queued them. */
export type Deliver = (runs: readonly QueuedRun[], tx: Transaction) => Promise<void>

/** Runs to be claimed. */
export interface TakenRuns {
  runIds: readonly string[]
  /** There may be more to take. */
  mayHaveMore: boolean
  /** Deletes their deliveries when the transaction commits. */
  done(): Promise<void>
  /** Tells which could not be claimed. A delivery that came too early is made again for its time. */
  postpone(runIds: readonly string[]): Promise<void>
}

/** The transaction in which taken runs are claimed. */
export interface ClaimScope {
  client: pg.PoolClient
  tx: Transaction
  deliver: Deliver
}

/** How runs get into the queue and out of it. */
export interface Deliveries {
  deliver: Deliver
  /** The transaction in which these were delivered has committed. */
  committed(runs: readonly QueuedRun[]): void
  /**
   * Takes up to `limit` deliveries of an agent, and lets `claim` claim their runs in one transaction. If that fails, the
   * next worker that asks takes them.
   */
  taking<T>(
    from: { agentKey: string; limit: number },
    claim: (taken: TakenRuns, scope: ClaimScope) => Promise<T>,
  ): Promise<T>
}
