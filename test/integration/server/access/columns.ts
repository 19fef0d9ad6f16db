// The columns of the matrix: who asks, and about whose things.
import { ownersOnly } from '../../../../server/index.ts'
import type { Authorize, Principal } from '../../../../server/index.ts'

/** The owners of the things. */
export type Whose = 'ada' | 'visitor'

export interface Column {
  asksAbout: Whose
  /** What `authenticate` knows them by: over HTTP, and as connection parameters over sockets. */
  headers: Record<string, string>
}

const named = (name: string): Column['headers'] => ({ authorization: name })

export const COLUMNS = {
  owner: { asksAbout: 'ada', headers: named('ada') },
  sameTenant: { asksAbout: 'ada', headers: named('bob') },
  // With the owner's own name.
  otherTenant: { asksAbout: 'ada', headers: named('ada of globex') },
  approver: { asksAbout: 'ada', headers: named('approver') },
  approverElsewhere: { asksAbout: 'ada', headers: named('approver of globex') },
  admin: { asksAbout: 'ada', headers: named('admin') },
  anonymousOwner: { asksAbout: 'visitor', headers: named('visitor') },
  otherAnonymous: { asksAbout: 'visitor', headers: named('other visitor') },
  // As the anonymous owner.
  expiredSession: { asksAbout: 'visitor', headers: { 'x-anonymous-token': 'E'.repeat(43) } },
  claimedSession: { asksAbout: 'visitor', headers: { 'x-anonymous-token': 'C'.repeat(43) } },
  nobody: { asksAbout: 'ada', headers: {} },
} satisfies Record<string, Column>

export type ColumnName = keyof typeof COLUMNS

/** The sessions that have ended, in the database. */
export const ENDED_SESSIONS = `
  INSERT INTO agent_runtime.anonymous_session (id, tenant_id, owner_id, token_hash, expires_at, claimed_at)
  VALUES
    (gen_random_uuid(), 'acme', 'visitor', sha256(repeat('E', 43)::bytea), now() - interval '1 hour', NULL),
    (gen_random_uuid(), 'acme', 'claimed', sha256(repeat('C', 43)::bytea), now() + interval '1 day', now())`

const user = (id: string, tenantId = 'acme', role?: string): Principal => ({
  id,
  tenantId,
  kind: 'user',
  claims: { role },
})
const visitor = (id: string): Principal => ({ id, tenantId: 'acme', kind: 'anonymous' })

const PRINCIPALS: Readonly<Record<string, Principal>> = {
  ada: user('ada'),
  bob: user('bob'),
  'ada of globex': user('ada', 'globex'),
  approver: user('approver', 'acme', 'approver'),
  'approver of globex': user('approver', 'globex', 'approver'),
  admin: user('admin', 'operators', 'admin'),
  visitor: visitor('visitor'),
  'other visitor': visitor('other'),
}

export function authenticate({ headers }: Request): Principal | null {
  return PRINCIPALS[headers.get('authorization') ?? ''] ?? null
}

/** An approver sees the tenant's runs and answers; an administrator sees everything and cancels. */
export const authorize: Authorize = (...asked) => {
  const [principal, action] = asked
  const role = principal.claims?.['role']
  if (role === 'approver' && action === 'read') return 'tenant'
  if (role === 'admin' && action === 'read') return 'any'
  if (role === 'approver' && action === 'respond') return true
  if (role === 'admin' && action === 'cancel') return true
  return ownersOnly(...asked)
}
