import type { JsonObject } from '../../server/contract/json.ts'
import type { RunStatus } from '../../server/contract/run.ts'
import type { Scope } from '../../server/contract/scope.ts'

export interface ConversationInput {
  conversationId: string
  /** Newest messages to read. Default: 100. */
  limit?: number
  /** Also messages of runs that failed, timed out, or were cancelled before they began. Default: false. */
  includeFailedRuns?: boolean
  /**
   * Also what only readers of debug events are told: reasoning, and tool calls while they are live. Default: false, so tool calls come
   * once their run is over.
   */
  includeDebug?: boolean
}

export interface ConversationsOptions<TKey extends string = string> {
  /** Only those of one agent. Default: all. */
  agentKey?: TKey
  /** Only those whose metadata has all of this. */
  metadata?: JsonObject
  /** Only those in whose title or messages each of these words occurs. */
  search?: string
  /** True: only archived ones. False: only others. Default: false. */
  archived?: boolean | 'all'
  /** Conversations a page, at most 200. Default: 50. */
  limit?: number
  /** Whose to list, as far as the server allows. Default: `own`. */
  scope?: Scope
}

export interface RunsFilter<TKey extends string = string> {
  /** Only those of one agent. Default: all. */
  agentKey?: TKey
  /** Only those with this status now. Default: all. */
  status?: RunStatus
  /** Only those of one conversation. Default: all. */
  conversationId?: string
  /** Only the children of this run. */
  parentRunId?: string
  /** Runs a page, at most 200. Default: 50. */
  limit?: number
  /** Whose to list, as far as the server allows. Default: `own`. */
  scope?: Scope
}
