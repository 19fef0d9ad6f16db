import type { RunStatus } from '../contract/run.ts'
import type { Owner } from './owner.ts'

/** A run whose status was changed from outside of an attempt. Its readers are told. */
export interface ChangedRun {
  id: string
  agentKey: string
  status: RunStatus
  lastSeq: number
}

/** What upkeep finds to do. */
export interface Upkeep {
  /** Workers with running attempts whose presence the database does not see. */
  absentWorkerIds: string[]
  hasExpiredLease: boolean
  /** Runs that were not started in time. */
  hasExpiredRun: boolean
  /** Runs that are parked at a gate, or due to come to one. */
  hasParkedRun: boolean
  /** Schedules of callers whose time has come. */
  hasDueSchedule: boolean
  /** Ends of runs, or what these wait for, that those above and below them were not told. */
  hasFamilyNews: boolean
  /** Messages that were sent to a run that is over, which has not read them. */
  hasLeftMessages: boolean
  /** Conversations in which runs wait for their turn, and none has it. */
  freeConversationIds: string[]
}

/** A run that has its turn now. */
export interface GivenTurn extends ChangedRun {
  /** Whose limit of runs at once it has to wait for. Null where it can start. */
  parkedFor: Owner | null
}

export interface TurnsToGive {
  conversationIds: readonly string[]
  /** `skip`: who holds the lock is about to give the turn, or is looked after later. */
  ifLocked: 'wait' | 'skip'
}

/** What a batch of a sweep did. `isDone` says that nothing was left, or that another process is at it. */
export interface Sweep {
  rows: number
  isDone: boolean
}
