import type { Json } from '../../contract/json.ts'
import type { AgentMessage } from '../../contract/message.ts'
import type { AppendOutcome, ClaimResult, CompletedStep, NewStep, RunAppend, ToldEvent } from '../attempt.ts'
import type { Spent } from '../spent.ts'

/** The lease that a worker takes on the runs it claims. */
export interface Lease {
  workerId: string
  ttlMs: number
  /**
   * Agents whose runs are executed in processes of their own. The worker does not claim these, nor runs that may be the
   * cause of lost workers. Null: it claims all.
   */
  isolatedAgents: readonly string[] | null
  /** Versions of its agents' code, by agent key. A run without a version gets this one. */
  versions?: Readonly<Record<string, string>>
}

/** A step is stored. */
export interface SavedStep {
  /** How many messages the run had been sent by then. */
  sent: number
}

/** A run that the worker still holds. */
export interface RenewedLease {
  id: string
  cancelRequested: boolean
  /** How many messages the run was sent. */
  sent: number
}

/** The reads and writes of a worker for the runs it claims. Each write is fenced by its attempt. */
export interface AttemptStore {
  /**
   * Takes deliveries of an agent and starts an attempt of each run that is queued and due, or whose wait is over. It
   * also writes `run.started`. The other runs are over, held by another worker, or have a later delivery. A run that
   * the database refuses fails alone.
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
  /** The run's steps, without their results. */
  readStepNames(runId: string): Promise<Pick<CompletedStep, 'name' | 'occurrence'>[]>
  saveStep(run: { id: string; attempt: number }, step: NewStep): Promise<SavedStep | 'fenced'>
  /** Whether the run has stored anything that another attempt continues from: steps, waits or a checkpoint. */
  hasProgress(runId: string): Promise<boolean>
  /**
   * Deletes the run's progress, so that it begins anew with that version of the agent. It keeps the mark of a step that
   * may be begun only once.
   *
   * @returns the ids of the messages that its steps emitted, which are now void; null when there was no progress.
   */
  forgetProgress(
    run: { id: string; attempt: number },
    version: string,
  ): Promise<{ messageIds: string[] } | null | 'fenced'>
  /** What the run's earlier attempts used, according to its events. */
  readSpent(runId: string, attempt: number): Promise<Spent>
  /** All messages before the run on its path, then its own input. Like {@link ClaimedRun.messages}, but never cut. */
  readWholeHistory(runId: string): Promise<AgentMessage[]>
  /** The run's events of these types. */
  readTold(runId: string, types: readonly string[]): Promise<ToldEvent[]>
}
