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

/** `too-many`: already `max` sessions were made for that address within the window. */
export type CreatedSession =
  | { kind: 'created'; expiresAt: Date }
  | { kind: 'too-many'; retryAfterSeconds: number }

/** `claimed`: by this call. `claimed-before`: by another one. `none`: there is no such session, or it has expired. */
export type ClaimOutcome = ({ kind: 'claimed' } & Claimed) | { kind: 'claimed-before' } | { kind: 'none' }

/** Visitors without an account. */
export interface SessionStore {
  createSession(session: NewSession, bound: SessionBound | null): Promise<CreatedSession>
  /** The visitor with this token; null when there is none, or the session has expired or was claimed. */
  findSession(tokenHash: Buffer): Promise<{ visitor: Visitor; remainingMs: number } | null>
  /** Makes the session last that long from now. */
  renewSession(tokenHash: Buffer, lifetimeMs: number): Promise<void>
  /**
   * Records a session that the application stores. Called at each use.
   *
   * @returns false when it was claimed.
   */
  meetSession(session: { visitor: Visitor; expiresAt: Date }): Promise<boolean>
  /**
   * Moves everything of a visitor to another owner and ends the session, in one transaction. It waits for rows that are
   * just being created for the visitor, and moves them too.
   */
  claimSession(session: { tokenHash: Buffer } | { visitor: Visitor }, to: Owner): Promise<ClaimOutcome>
  /**
   * Deletes some sessions that ended more than a day ago, and the addresses of sessions older than `addressMs`. With
   * `deleteAfterMs`, sessions are deleted that long after their end, together with the memories of their visitors.
   */
  sweepSessions(after: { addressMs: number; deleteAfterMs: number | false }): Promise<Sweep>
}
