import type { AgeRule } from '../age-rule.ts'
import type { ChangedRun, Sweep, Upkeep } from '../upkeep.ts'

/** Recovery, deadlines, compaction and retention. */
export interface SweepStore {
  /**
   * Finds the upkeep to do, in one statement. Null when another process is looking, or looked less than `minAgeMs` ago:
   * one look serves all processes.
   */
  findUpkeep(minAgeMs: number): Promise<Upkeep | null>
  /**
   * Takes runs from workers that are gone (`workerIds`) and runs whose lease ran out. They are queued again; they end
   * instead if their attempts are used up or their cancellation was requested.
   */
  recoverRuns(workerIds: readonly string[]): Promise<ChangedRun[]>
  /** Ends runs that were not started in time. */
  expireRuns(): Promise<ChangedRun[]>
  /**
   * Folds the deltas of some of the runs that ended so long ago into their messages. A reader at any cursor still
   * arrives at the same view as before.
   */
  compactRuns(ageMs: number): Promise<Sweep>
  /**
   * Deletes some of the runs that ended so long ago, oldest first, and their conversations if these are that old too.
   */
  deleteRuns(ageMs: number): Promise<Sweep>
  /** Deletes conversations that were created so long ago and never had a run. */
  deleteEmptyConversations(ageMs: number): Promise<Sweep>
  /**
   * Deletes runs by a rule, which is asked while no transaction is open. Runs older than the rule's `minMs` are visited
   * once a day. Rejects when the rule rejects; the next call continues there.
   */
  deleteRunsByRule(rule: AgeRule): Promise<Sweep>
  /** The same for conversations that never had a run. */
  deleteEmptyConversationsByRule(rule: AgeRule): Promise<Sweep>
}
