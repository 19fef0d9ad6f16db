import type pg from 'pg'
import type { QueuedRun } from '../../ports/queue.ts'
import type { Transaction } from '../connections/transaction.ts'

/** Delivers runs in the transaction that has made them ones to be taken up. */
export type Deliver = (runs: readonly QueuedRun[], tx: Transaction) => Promise<void>

/** Runs to be claimed. */
export interface TakenRuns {
  runIds: readonly string[]
  /** There may be more to take. */
  mayHaveMore: boolean
  /** Forgets their deliveries when the transaction commits. */
  done(): Promise<void>
  /** These of them could not be claimed: those that came before their time are delivered again then. */
  postpone(runIds: readonly string[]): Promise<void>
}

/** Where the claim of taken runs is made. */
export interface ClaimScope {
  client: pg.PoolClient
  tx: Transaction
  deliver: Deliver
}

/** How the store's runs get into a queue and out of it. */
export interface Deliveries {
  deliver: Deliver
  /** The transaction in which these were delivered has committed. */
  committed(runs: readonly QueuedRun[]): void
  /**
   * Takes up to `limit` deliveries of an agent and has `claim` claim their runs in one transaction. If that fails,
   * they are taken by whoever asks next.
   */
  taking<T>(
    from: { agentKey: string; limit: number },
    claim: (taken: TakenRuns, scope: ClaimScope) => Promise<T>,
  ): Promise<T>
}
