import type { SessionStore } from '../../ports/store/session-store.ts'
import { claimSession } from '../statements/claim-session.ts'
import {
  createSession,
  findSession,
  meetSession,
  renewSession,
  sweepSessions,
} from '../statements/sessions.ts'
import type { StoreParts } from './store-parts.ts'

export function createSessionStore({ pool }: Pick<StoreParts, 'pool'>): SessionStore {
  return {
    createSession: (session, bound) => createSession(pool, session, bound),
    findSession: (tokenHash) => findSession(pool, tokenHash),
    renewSession: (tokenHash, lifetimeMs) => renewSession(pool, tokenHash, lifetimeMs),
    meetSession: (session) => meetSession(pool, session),
    claimSession: (session, to) => claimSession(pool, session, to),
    sweepSessions: (after) => sweepSessions(pool, after),
  }
}
