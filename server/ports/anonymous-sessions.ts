import type { Visitor } from './store/session-store.ts'

/** A session that is to be kept: the visitor is let in by the token until it expires. */
export interface IssuedSession extends Visitor {
  /** 256 random bits as base64url. Keep its SHA-256 rather than itself. */
  token: string
  expiresAt: Date
  /** What asked for it. Undefined where code on the server did. */
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
 * Where the tokens of visitors are kept, in place of the runtime's own table: a table of the application's.
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
  /** Keeps a new session. */
  create(session: IssuedSession): Promise<void>
  /** Whose token it is; null when it is nobody's. One that has expired is refused whatever this answers. */
  find(token: string): Promise<KeptSession | null>
  /**
   * Is called when a user has claimed the session. It may be called twice, or not at all when the process dies at that moment.
   * The runtime refuses the token in any case.
   */
  end(session: Visitor): Promise<void>
}
