import type { Json } from '../../contract/json.ts'
import type { AgentMessage } from '../../contract/message.ts'
import type { AppendOutcome, ClaimResult, CompletedStep, NewStep, RunAppend, ToldEvent } from '../attempt.ts'
import type { Spent } from '../spent.ts'

/** How a worker holds what it claims. */
export interface Lease {
  workerId: string
  ttlMs: number
  /**
   * Agents whose runs are executed in processes of their own, as are runs that may be what ends their workers: they
   * are not claimed. Null: this worker claims those too.
   */
  isolatedAgents: readonly string[] | null
  /** Versions of its agents' code, by their keys: a run that has none gets it. */
  versions?: Readonly<Record<string, string>>
}

/** A step is stored. */
export interface SavedStep {
  /** How many messages its run was sent before. */
  sent: number
}

/** A run that the worker still holds. */
export interface RenewedLease {
  id: string
  cancelRequested: boolean
  /** How many messages it was sent. */
  sent: number
}

/** What a worker does with the runs it claims. Each write is fenced by its attempt. */
export interface AttemptStore {
  /**
   * Takes deliveries of an agent and starts an attempt of each of their runs that is queued and due, or whose wait is
   * over, and writes its `run.started`. The others are over, in other hands, or have a delivery of their own for later.
   * A run that is refused fails, and no other with it.
   */
  claimRuns(lease: Lease, deliveries: { agentKey: string; limit: number }): Promise<ClaimResult>
  /**
   * Writes events and endings of many runs in one statement, each run fenced on its own.
   */
  append(batch: readonly RunAppend[]): Promise<Map<string, AppendOutcome>>
  /** Prolongs the leases of a worker's running attempts in one statement. Runs it has lost are left out. */
  renewLeases(runs: readonly { id: string; attempt: number }[], ttlMs: number): Promise<RenewedLease[]>
  saveCheckpoint(runId: string, attempt: number, state: Json): Promise<'written' | 'fenced'>
  readSteps(runId: string): Promise<CompletedStep[]>
  /** Which steps there are, without what they made. */
  readStepNames(runId: string): Promise<Pick<CompletedStep, 'name' | 'occurrence'>[]>
  saveStep(run: { id: string; attempt: number }, step: NewStep): Promise<SavedStep | 'fenced'>
  /** Whether a run has left anything that another attempt goes on with: steps, waits or a checkpoint. */
  hasProgress(runId: string): Promise<boolean>
  /**
   * Forgets it, so that the run begins anew by that version. That a step was begun which is done at most once is not forgotten.
   *
   * @returns the messages that steps told, which are void; null where there was nothing to forget.
   */
  forgetProgress(
    run: { id: string; attempt: number },
    version: string,
  ): Promise<{ messageIds: string[] } | null | 'fenced'>
  /** What a run's attempts before this one used, by its events. */
  readSpent(runId: string, attempt: number): Promise<Spent>
  /** What was said before the run on its path, by whichever runs, and then its own input, as {@link ClaimedRun.messages}. */
  readWholeHistory(runId: string): Promise<AgentMessage[]>
  /** The run's events of these types. */
  readTold(runId: string, types: readonly string[]): Promise<ToldEvent[]>
}
