import type { Visibility } from '../contract/visibility.ts'
import type { Json, JsonObject } from '../contract/json.ts'
import type { AgentMessage } from '../contract/message.ts'
import type { Principal } from '../contract/principal.ts'
import type { Budget } from '../contract/budget.ts'
import type { Preferences } from '../contract/create-run.ts'
import type { RunError } from '../contract/run.ts'
import { isTerminal } from '../contract/terminal.ts'
import type { TerminalStatus } from '../contract/terminal.ts'
import type { WaitKind } from '../contract/wait.ts'
import type { NewChild } from './family.ts'
import type { StoreFailure } from './store/store-failure.ts'
import type { ChangedRun } from './upkeep.ts'

/** A run that a worker has claimed. Its writes are fenced by `attempt`. */
export interface ClaimedRun {
  id: string
  agentKey: string
  /** Version of the agent's code that the run began with; null when that code had none. */
  agentVersion: string | null
  principal: Principal
  conversationId: string | null
  attempt: number
  /** Attempts that failed before this one. */
  failures: number
  /** Attempts that ended with a process that also executed other runs. Any of those runs may have ended the process. */
  losses: number
  maxAttempts: number
  priority: number
  /** `seq` of the newest event, `run.started` of this attempt. */
  lastSeq: number
  params: Json | null
  metadata: JsonObject
  preferences: Preferences
  /** The conversation's history, then the run's own input. */
  messages: AgentMessage[]
  /** The history was too large: `messages` leaves out its oldest runs. */
  isHistoryCut: boolean
  state: Json | undefined
  timeoutMs: number
  budget: Budget | null
  cancelRequested: boolean
  /** W3C trace context in which the run was created. */
  traceparent: string | null
  /** W3C trace context of the newest earlier attempt that wrote something. */
  earlierTraceparent: string | null
  /** The number of that attempt. */
  earlierAttempt: number | null
  /** The run that started it. */
  parentRunId: string | null
  /** How many runs are above it. */
  depth: number
  /** Whether an earlier attempt started others. */
  hasChildren: boolean
  /** How many messages were sent to it until now. */
  sent: number
  /** Milliseconds between the moment the run could begin and its first attempt. Null in later attempts. */
  waitedMs: number | null
}

/** A run that failed because the database refused to start it. */
export interface RefusedRun extends ChangedRun {
  cause: StoreFailure
}

/**
 * `unclaimed` are runs whose delivery was taken but that cannot be claimed. `isolated` of them were delivered to
 * processes of their own.
 */
export interface ClaimResult {
  claimed: ClaimedRun[]
  unclaimed: string[]
  refused: RefusedRun[]
  isolated: number
  mayHaveMore: boolean
}

/**
 * The most characters of one event, or of an agent's whole result. A value that PostgreSQL refuses would delay the
 * events of all runs, so this is far below PostgreSQL's limit.
 */
export const MAX_PAYLOAD_CHARACTERS = 8 * 1024 * 1024

/** An event on its way to the store; the writer has given it its `seq`. */
export interface NewEvent {
  seq: number
  type: string
  visibility: Visibility
  /** JSON text, so that it is encoded only once for all adapters. */
  payload: string
  ts: string
}

/** A step that completed; `result` is undefined when it returned nothing. */
export interface CompletedStep {
  name: string
  /** Which of the steps of that name, from 1, in order of call. */
  occurrence: number
  result: Json | undefined
  /** Ids of the messages that it emitted. No later attempt emits them again. */
  messageIds: readonly string[]
}

/** A step on its way to the store. */
export interface NewStep extends CompletedStep {
  startedAt: string
  /** The positions of sent messages that are part of its result: no later attempt takes them again. */
  sent?: readonly number[]
}

/** A written event, with the id of the tool call or message that it is about. */
export interface ToldEvent {
  type: string
  id: string | null
}

/** A wait that an attempt ends for. */
export interface NewWait {
  name: string
  /** Which of the waits of that name, from 1, in order of call. */
  occurrence: number
  kind: WaitKind
  details: Json
  schema: Json
  timeoutMs: number | null
  /** The run that is waited for, where it is to be created with the wait. */
  child?: NewChild
}

/** How a wait has ended. */
export interface SettledWait {
  name: string
  occurrence: number
  status: 'answered' | 'timed_out'
  value: Json
  respondedBy: string | null
}

/** A wait that is over, or one for a child that is not over yet. */
export interface KnownWait extends Omit<SettledWait, 'status'> {
  status: SettledWait['status'] | 'pending'
  /** The run that is waited for. */
  childId: string | null
  /** Who is told of that run's end when both are over. */
  onEnd: 'continue' | null
}

/** How a run ends, for good. */
export interface RunEnding {
  status: TerminalStatus
  output: Json | null
  error: RunError | null
  messages: readonly AgentMessage[]
}

/** How an attempt ends without ending its run: the run is queued again. */
export interface RunRelease {
  status: 'queued'
  agentKey: string
  priority: number
  /** Milliseconds before another worker may take it. */
  delayMs: number
  /** Added to the run's counts. Failures count towards `maxAttempts`. Both are 0 when a worker drains. */
  failures: number
  losses: number
}

/** The ending of an attempt that waits: the run is queued again when one of these waits is over. */
export interface RunSuspension {
  status: 'waiting'
  agentKey: string
  priority: number
  waits: readonly NewWait[]
}

/** How an attempt ends. */
export type AttemptEnding = RunEnding | RunRelease | RunSuspension

/** Whether another attempt follows this ending. */
export function goesOn(ending: AttemptEnding): ending is RunRelease | RunSuspension {
  return !isTerminal(ending.status)
}

/** One run's share of a flush. */
export interface RunAppend {
  runId: string
  attempt: number
  /** `seq` of the event before the first of `events`. The run's row must still be at this number. */
  baseSeq: number
  events: readonly NewEvent[]
  /** W3C trace context of the attempt, where it is traced. */
  traceparent?: string
  /** Set when the last of `events` is the attempt's last. */
  ending?: AttemptEnding
}

/**
 * `written`: committed, now or by an earlier try of the same append whose answer got lost.
 * `fenced`: another attempt has the run, or the run is over, or the ending is `cancelled` though nobody asked for a
 * cancel. Nothing was written.
 * `cancel-requested`: the ending was not `cancelled`, but a cancel was requested. Nothing was written.
 */
export type AppendOutcome = 'written' | 'fenced' | 'cancel-requested'
