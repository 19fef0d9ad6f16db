import type { Principal } from '../contract/principal.ts'
import type { Agents } from '../domain/agents.ts'
import type { CallerWebhooks } from '../domain/caller-webhooks.ts'
import type { Conversations } from '../domain/conversations.ts'
import type { FileUpkeep, UploadedFiles } from '../domain/files.ts'
import type { Runs } from '../domain/runs.ts'
import type { Memories } from '../domain/memories.ts'
import type { Schedules } from '../domain/stored-schedules.ts'
import type { SessionRequest, Sessions } from '../domain/sessions.ts'
import type { Tickets } from '../domain/tickets.ts'
import type { Logger } from '../ports/logger.ts'
import type { Watch } from './watch-reader.ts'

/** The use cases and settings that both transports use. */
export interface ApiServices {
  runs: Runs
  agents: Agents
  /** Models that runs may name. */
  listModels(): readonly { id: string; provider: string; name: string }[]
  conversations: Conversations
  schedules: Schedules
  memories: Memories
  webhooks: CallerWebhooks
  files: UploadedFiles & Pick<FileUpkeep, 'discard'>
  sessions: Sessions
  tickets: Pick<Tickets, 'open'>
  log: Logger
  /** Aborts when the process is about to stop: open streams end, and their readers go elsewhere. */
  stopping: AbortSignal
  streamKeepAliveMs: number
  /** How REST answers lists. */
  restLists: 'envelope' | 'array'
}

/**
 * The caller. `createContext` makes it from a request; the context of an app that mounts the router must have
 * it.
 */
export interface ApiContext {
  /** Or a function that finds out for each call: a connection that carries many calls outlives sessions. */
  principal: Principal | (() => Principal | Promise<Principal>)
  /** The connection of the call, for `sessions.createAnonymous`, which counts visitors by network. */
  from?: SessionRequest | undefined
  /**
   * Checks, while a stream is open, whether its reader may still read it. The handler sets it for its own
   * requests.
   */
  watch?: ((confirm: (reader: Principal) => Promise<void>) => Watch) | undefined
}
