import type pg from 'pg'
import type { QueuedRun } from '../../ports/queue.ts'
import type { Transaction } from '../connections/transaction.ts'

/** Delivers runs in the transaction that has queued them. */
export type Deliver = (runs: readonly QueuedRun[], tx: Transaction) => Promise<void>

/** Runs whose deliveries were taken, to be claimed. */
export interface TakenRuns {
  runIds: readonly string[]
  /** The queue may have more deliveries. */
  mayHaveMore: boolean
  /** Deletes their deliveries when the transaction commits. */
  done(): Promise<void>
  /**
   * Called with the runs that could not be claimed. A run that was delivered too early gets another delivery for its
   * time.
   */
  postpone(runIds: readonly string[]): Promise<void>
}

/** The transaction in which taken runs are claimed. */
export interface ClaimScope {
  client: pg.PoolClient
  tx: Transaction
  deliver: Deliver
}

/** Puts runs into the queue and takes them out. */
export interface Deliveries {
  deliver: Deliver
  /** Called when the transaction that delivered these runs has committed. */
  committed(runs: readonly QueuedRun[]): void
  /**
   * Takes up to `limit` deliveries of an agent, and lets `claim` claim their runs in one transaction. If that fails,
   * the deliveries can be taken again.
   */
  taking<T>(
    from: { agentKey: string; limit: number },
    claim: (taken: TakenRuns, scope: ClaimScope) => Promise<T>,
  ): Promise<T>
}
