// Checks that visitors are still visitors before something is created for them. Sessions are locked before anything
// else, as the claim of a session does.
import type pg from 'pg'
import type { Owner } from '../../ports/owner.ts'
import { ownerOf } from '../../ports/owner.ts'
import { execute } from '../connections/transaction.ts'

// Visitors whom only the application's `authenticate` knows have no row here, and are not refused.
const LOCK = {
  name: 'lock_sessions',
  text: `
    SELECT s.tenant_id AS "tenantId", s.owner_id AS id, s.claimed_at IS NOT NULL AS "isClaimed"
    FROM agent_runtime.anonymous_session s
    JOIN unnest($1::text[], $2::text[]) AS w (tenant_id, owner_id)
      ON s.tenant_id = w.tenant_id AND s.owner_id = w.owner_id
    ORDER BY s.id
    FOR KEY SHARE OF s`,
}

interface SessionRow {
  tenantId: string
  id: string
  isClaimed: boolean
}

export const isVisitor = ({ kind }: Owner): boolean => kind === 'anonymous'

/**
 * Keeps the owners' sessions from being claimed until the transaction ends.
 *
 * @returns a function that tells whether an owner's session was claimed before
 */
export async function lockSessions(
  client: pg.PoolClient,
  owners: readonly Owner[],
): Promise<(owner: Owner) => boolean> {
  const visitors = owners.filter(isVisitor).map(ownerOf)
  if (visitors.length === 0) return () => false
  const rows = await execute<SessionRow>(client, LOCK, [
    visitors.map(({ tenantId }) => tenantId),
    visitors.map(({ id }) => id),
  ])
  const claimed = new Set(rows.filter(({ isClaimed }) => isClaimed).map(keyOf))
  return (owner) => isVisitor(owner) && claimed.has(keyOf(owner))
}

function keyOf({ tenantId, id }: Pick<Owner, 'tenantId' | 'id'>): string {
  return JSON.stringify([tenantId, id])
}
