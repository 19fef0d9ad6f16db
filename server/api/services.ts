import type { Principal } from '../contract/principal.ts'
import type { Conversations } from '../domain/conversations.ts'
import type { Runs } from '../domain/runs.ts'
import type { Logger } from '../ports/logger.ts'

/** What both transports are adapters over. */
export interface ApiServices {
  runs: Runs
  conversations: Conversations
  log: Logger
  /** Aborts when the process is about to stop: open streams end, and their readers go elsewhere. */
  stopping: AbortSignal
  streamKeepAliveMs: number
}

/** Undefined when a connection takes more right now; else resolves when it does, or is closed. */
export type Drained = () => Promise<void> | undefined

/** Who calls. What `createContext` makes of a request, and what an embedding app's own context must have. */
export interface ApiContext {
  /** Or how to find out, for each call anew: a connection that carries many outlives sessions. */
  principal: Principal | (() => Promise<Principal>)
  /** Where calls share a connection: whether it takes more. */
  drained?: Drained | undefined
}

/** What `authenticate` says where there is nobody. */
type Nobody = null | undefined | false

/**
 * Tells who a request is from; null when it is from nobody, which is answered with 401, as is everything
 * that is no {@link Principal}. An error it throws is answered with 500, an `AgentRuntimeError` with its own
 * status.
 *
 * @example
 * authenticate: async (request) => {
 *   const user = await sessionOf(request.headers.get('cookie'))
 *   return user === null ? null : { id: user.id, tenantId: user.teamId, kind: 'user' }
 * }
 */
export type Authenticate = (request: Request) => Promise<Principal | Nobody> | Principal | Nobody
