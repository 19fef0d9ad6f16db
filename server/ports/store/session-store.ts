import type { Principal } from '../../contract/principal.ts'
import type { Claimed } from '../../contract/session.ts'
import type { Owner } from '../owner.ts'
import type { Sweep } from '../upkeep.ts'

/** Names a visitor, whose `kind` is always `anonymous`. */
export type Visitor = Pick<Principal, 'id' | 'tenantId'>

export interface NewSession {
  visitor: Visitor
  /** SHA-256 of the token. Null where the application keeps the tokens. */
  tokenHash: Buffer | null
  lifetimeMs: number
}

/** Bounds how many sessions are made for one network. */
export interface SessionBound {
  addressHash: Buffer
  max: number
  windowMs: number
}

/** `too-many`: as many as `max` were made for that address within the window. */
export type CreatedSession =
  | { kind: 'created'; expiresAt: Date }
  | { kind: 'too-many'; retryAfterSeconds: number }

/** `claimed`: by this call. `claimed-before`: by another one. `none`: there is no such session, or it has expired. */
export type ClaimOutcome = ({ kind: 'claimed' } & Claimed) | { kind: 'claimed-before' } | { kind: 'none' }

/** Visitors without an account. */
export interface SessionStore {
  createSession(session: NewSession, bound: SessionBound | null): Promise<CreatedSession>
  /** Whose token it is; null when it is nobody's, has expired, or was claimed. */
  findSession(tokenHash: Buffer): Promise<{ visitor: Visitor; remainingMs: number } | null>
  /** Has a session last that long from now on. */
  renewSession(tokenHash: Buffer, lifetimeMs: number): Promise<void>
  /**
   * Notes a session that the application keeps, as often as it is met.
   *
   * @returns false when it was claimed.
   */
  meetSession(session: { visitor: Visitor; expiresAt: Date }): Promise<boolean>
  /**
   * Moves all that is a visitor's to another owner and ends the session, in one transaction. It waits for what is being created
   * for the visitor at this moment, and moves that too.
   */
  claimSession(session: { tokenHash: Buffer } | { visitor: Visitor }, to: Owner): Promise<ClaimOutcome>
  /**
   * Deletes some of the sessions that ended more than a day ago, and forgets the addresses of those that are older than `addressMs`. With
   * `deleteAfterMs` they are deleted that long after their end, along with what agents remembered of their visitors.
   */
  sweepSessions(after: { addressMs: number; deleteAfterMs: number | false }): Promise<Sweep>
}
