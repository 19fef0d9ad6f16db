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

/** What both transports are adapters over. */
export interface ApiServices {
  runs: Runs
  agents: Agents
  /** The models that runs may name. */
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

/** Who calls. What `createContext` makes of a request, and what an embedding app's own context must have. */
export interface ApiContext {
  /** Or how to find out, for each call anew: a connection that carries many outlives sessions. */
  principal: Principal | (() => Principal | Promise<Principal>)
  /** Where the call came from, for `sessions.createAnonymous`, which counts the visitors of a network. */
  from?: SessionRequest | undefined
  /** Looks, while a stream is open, whether its reader still may read it. The handler sets it for its own requests. */
  watch?: ((confirm: (reader: Principal) => Promise<void>) => Watch) | undefined
}
