import type { RunStatus } from '../contract/run.ts'
import type { Owner } from './owner.ts'

/** A run whose status was changed from outside of an attempt, for those to be told who look at it. */
export interface ChangedRun {
  id: string
  agentKey: string
  status: RunStatus
  lastSeq: number
}

/** What has to be done though nobody asks for it. */
export interface Upkeep {
  /** Workers with running attempts that are not there any more, by what the database itself knows. */
  absentWorkerIds: string[]
  hasExpiredLease: boolean
  /** Runs that were not started in time. */
  hasExpiredRun: boolean
  /** Runs that wait for room among those of their principal or tenant, or come to wait for it. */
  hasParkedRun: boolean
  /** Conversations in which runs wait for their turn, and none has it. */
  freeConversationIds: string[]
}

/** A run that has its turn now. */
export interface GivenTurn extends ChangedRun {
  /** Whose runs at once it has to wait for now; null where it can start. */
  parkedFor: Owner | null
}

export interface TurnsToGive {
  conversationIds: readonly string[]
  /** `skip`: who holds the lock is about to give the turn, or is looked after later. */
  ifLocked: 'wait' | 'skip'
}

/** What a batch of a sweep did. `isDone`: there was nothing to do, or somebody else is at it. */
export interface Sweep {
  rows: number
  isDone: boolean
}
