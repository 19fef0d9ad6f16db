import type { RunStatus } from '../contract/run.ts'
import type { Owner } from './owner.ts'

/** A run whose status was changed outside of an attempt. Its readers are told. */
export interface ChangedRun {
  id: string
  agentKey: string
  status: RunStatus
  lastSeq: number
}

/** The work that upkeep has found. */
export interface Upkeep {
  /** Workers that have running attempts but hold no presence. */
  absentWorkerIds: string[]
  hasExpiredLease: boolean
  /** Runs that were not started in time. */
  hasExpiredRun: boolean
  /** Runs are parked at a gate, or are due to come to one. */
  hasParkedRun: boolean
  /** Schedules of callers whose time has come. */
  hasDueSchedule: boolean
  /** There is news that the runs above or below were not told. */
  hasFamilyNews: boolean
  /** A run ended without having read all messages it was sent. */
  hasLeftMessages: boolean
  /** Conversations in which runs wait for their turn and none has it. */
  freeConversationIds: string[]
}

/** A run that was given its turn. */
export interface GivenTurn extends ChangedRun {
  /** The owner whose limit of runs at once it has to wait for. Null when it can start. */
  parkedFor: Owner | null
}

export interface TurnsToGive {
  conversationIds: readonly string[]
  /** `skip`: the holder of the lock will give the turn itself, or a later look will. */
  ifLocked: 'wait' | 'skip'
}

/** The result of one batch of a sweep. `isDone`: nothing is left, or another process is doing it. */
export interface Sweep {
  rows: number
  isDone: boolean
}
