import type { AgeRule } from '../age-rule.ts'
import type { ChangedRun, Sweep, Upkeep } from '../upkeep.ts'

/** Recovery, deadlines, compaction and retention. */
export interface SweepStore {
  /**
   * Looks for what there is to do, in one statement. Null when another process is looking, or has looked less than
   * `minAgeMs` ago: one look serves all processes.
   */
  findUpkeep(minAgeMs: number): Promise<Upkeep | null>
  /**
   * Takes runs from workers that are gone (`workerIds`) or let their lease run out: they are queued
   * again, or end when their attempts are used up or their cancellation was asked for.
   */
  recoverRuns(workerIds: readonly string[]): Promise<ChangedRun[]>
  /** Ends runs that were not started in time. */
  expireRuns(): Promise<ChangedRun[]>
  /**
   * Folds the deltas of some of the runs that ended so long ago into their messages. From any cursor, what a
   * reader has and what is left add up to the same view as before.
   */
  compactRuns(ageMs: number): Promise<Sweep>
  /** Deletes some of the runs that ended so long ago, oldest first, with their conversations if that old too. */
  deleteRuns(ageMs: number): Promise<Sweep>
  /** Deletes conversations that were created so long ago and never had a run. */
  deleteEmptyConversations(ageMs: number): Promise<Sweep>
  /**
   * The same by a rule, which is asked while no transaction is open: what is older than the rule's least is walked along once a
   * day. Rejects as the rule does, and goes on from where it was then.
   */
  deleteRunsByRule(rule: AgeRule): Promise<Sweep>
  /** The same of conversations that never had a run. */
  deleteEmptyConversationsByRule(rule: AgeRule): Promise<Sweep>
}
