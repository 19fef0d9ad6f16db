import type { Json, JsonObject } from '../contract/json.ts'
import type { AgentMessage } from '../contract/message.ts'
import type { Budget } from '../contract/budget.ts'
import type { RunError } from '../contract/run.ts'
import type { TerminalStatus } from '../contract/terminal.ts'
import type { Spent } from './spent.ts'
import type { Owner } from './owner.ts'
import type { ChangedRun } from './upkeep.ts'

/** A run that another run starts. Everything not listed here, such as its owner, it takes from its parent. */
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
  /** It continues when its parent is over. */
  isDetached: boolean
  /** Its principal or its tenant has a limit on runs at once. */
  isLimited: boolean
  /** The parent's principal, as of the parent's claim. */
  principal: Owner
}

/** How a child ended, as its parent is told. It is the value of the parent's wait for the child. */
export interface ChildOutcome {
  runId: string
  status: TerminalStatus
  output: Json
  error: RunError | null
  /** Its last message. */
  said: AgentMessage | null
  /** Its usage and that of all runs below it. Null when they used nothing. */
  usage: Omit<Spent, 'tokens'> | null
}

/** What was done about news of families. */
export interface ToldFamilies {
  /** Runs that got new events. Running ones among them are to stop. */
  changed: readonly (ChangedRun & { owner: Owner })[]
  deleted: readonly { id: string; owner: Owner }[]
  /** Ended runs that now have messages left for the next run of their conversation. */
  leftBy: readonly string[]
  /** The runs that now have further news to tell. Null: there is further news, of any run. */
  next: readonly string[] | null
}
