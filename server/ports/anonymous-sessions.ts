import type { Visitor } from './store/session-store.ts'

/** A session to store: its token lets the visitor in until it expires. */
export interface IssuedSession extends Visitor {
  /** 256 random bits as base64url. Store its SHA-256, not the token itself. */
  token: string
  expiresAt: Date
  /** The request that asked for the session. Undefined when code on the server asked. */
  request: Request | undefined
}

export interface KeptSession {
  /** The visitor's id as a principal: not empty, at most 512 bytes. */
  id: string
  /** Default: `''`. */
  tenantId?: string
  expiresAt: Date
}

/**
 * Stores the tokens of visitors in a table of the application, in place of the runtime's own table.
 *
 * @example
 * const store: AnonymousSessionStore = {
 *   async create({ id, token, expiresAt }) {
 *     await prisma.visitor.create({ data: { id, tokenHash: sha256(token), expiresAt } })
 *   },
 *   find: (token) => prisma.visitor.findUnique({ where: { tokenHash: sha256(token) } }),
 *   async end({ id }) {
 *     await prisma.visitor.delete({ where: { id } })
 *   },
 * }
 */
export interface AnonymousSessionStore {
  /** Stores a new session. */
  create(session: IssuedSession): Promise<void>
  /** Finds the session of a token; null when there is none. The runtime refuses an expired session itself. */
  find(token: string): Promise<KeptSession | null>
  /**
   * Called when a user has claimed the session. It may be called twice, or not at all when the process dies at that
   * moment. The runtime refuses the token in any case.
   */
  end(session: Visitor): Promise<void>
}
