import type { Json, JsonObject } from '../contract/json.ts'
import type { AgentMessage } from '../contract/message.ts'
import type { Budget } from '../contract/budget.ts'
import type { RunError } from '../contract/run.ts'
import type { TerminalStatus } from '../contract/terminal.ts'
import type { Spent } from './spent.ts'
import type { Owner } from './owner.ts'
import type { ChangedRun } from './upkeep.ts'

/** A run that another one starts. Whose it is, and what else is not said here, it has of that one. */
export interface NewChild {
  id: string
  agentKey: string
  messages: readonly AgentMessage[]
  params: Json | null
  metadata: JsonObject
  maxAttempts: number
  timeoutMs: number
  budget: Budget | null
  /** W3C trace context of its creation. Null where nothing is traced. */
  traceparent: string | null
  /** It goes on when its parent is over. */
  isDetached: boolean
  /** Its principal or its tenant has a limit of runs at once. */
  isLimited: boolean
  /** Of the parent, when that was claimed. */
  principal: Owner
}

/** What a run is told of the end of one that it has started. It is the value of the wait for that. */
export interface ChildOutcome {
  runId: string
  status: TerminalStatus
  output: Json
  error: RunError | null
  /** What it said last. */
  said: AgentMessage | null
  /** With all that were below it. Null where that is nothing. */
  usage: Omit<Spent, 'tokens'> | null
}

/** What was done because of news about families. */
export interface ToldFamilies {
  /** Runs that have new events. Those that are running are to stop. */
  changed: readonly (ChangedRun & { owner: Owner })[]
  deleted: readonly { id: string; owner: Owner }[]
  /** The runs of which there is more to tell now. Null: there is more, of any. */
  next: readonly string[] | null
}
