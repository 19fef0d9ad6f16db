// A visitor has signed in: everything of the visitor becomes the user's, all or nothing.
import type pg from 'pg'
import { StoreFailure } from '../../ports/store/store-failure.ts'
import type { Owner } from '../../ports/owner.ts'
import type { ClaimOutcome, SessionStore, Visitor } from '../../ports/store/session-store.ts'
import { isDuplicate } from '../connections/to-store-failure.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { haveOneOwner, isOwned, ownerValues } from '../owned-by.ts'

const COLUMNS = `id, tenant_id AS "tenantId", owner_id AS "visitorId", claimed_at IS NOT NULL AS "isClaimed"`

// A create for the visitor locks this row until it commits, or finds the session claimed. The claim moves rows in later
// statements, which see everything that was created before.
const LOCK_BY_TOKEN = {
  name: 'session_claim_lock_by_token',
  text: `
    SELECT ${COLUMNS} FROM agent_runtime.anonymous_session
    WHERE token_hash = $1 AND (claimed_at IS NOT NULL OR expires_at > now())
    FOR UPDATE`,
}

const LOCK_BY_VISITOR = {
  name: 'session_claim_lock_by_visitor',
  text: `
    SELECT ${COLUMNS} FROM agent_runtime.anonymous_session
    WHERE tenant_id = $1 AND owner_id = $2
    FOR UPDATE`,
}

const END = {
  name: 'session_claim_end',
  text: `UPDATE agent_runtime.anonymous_session SET claimed_at = now() WHERE id = $1`,
}

// Locks conversations before runs, each in the order of their ids, like all transactions. If the user has a
// conversation with the same external id, the visitor's loses its external id.
const MOVE_CONVERSATIONS = {
  name: 'session_claim_conversations',
  text: `
    WITH theirs AS (
      SELECT c.id, c.external_id, $4::text AS tenant_id, $5::text AS owner_id, $6::text AS owner_kind
      FROM agent_runtime.conversation c
      WHERE ${isOwned('c', 1)}
      ORDER BY c.id
      FOR NO KEY UPDATE
    ), moved AS (
      UPDATE agent_runtime.conversation c SET
        tenant_id = t.tenant_id, owner_id = t.owner_id, owner_kind = t.owner_kind,
        external_id = CASE WHEN EXISTS (
          SELECT FROM agent_runtime.conversation o
          WHERE ${haveOneOwner('o', 't')} AND o.external_id = t.external_id AND o.deleted_at IS NULL
        ) THEN NULL ELSE c.external_id END
      FROM theirs t WHERE c.id = t.id
      RETURNING c.id
    )
    SELECT count(*)::int AS count FROM moved`,
}

// If the user has used the same idempotency key, the visitor's run loses it, so the key leads to the user's run.
const MOVE_RUNS = {
  name: 'session_claim_runs',
  text: `
    WITH theirs AS (
      SELECT r.id, r.idempotency_key, $4::text AS tenant_id, $5::text AS owner_id, $6::text AS owner_kind
      FROM agent_runtime.run r
      WHERE ${isOwned('r', 1)}
      ORDER BY r.id
      FOR NO KEY UPDATE
    ), keyed AS (
      SELECT t.*, EXISTS (
        SELECT FROM agent_runtime.run o
        WHERE ${haveOneOwner('o', 't')} AND o.idempotency_key = t.idempotency_key
      ) AS is_taken
      FROM theirs t
    ), moved AS (
      UPDATE agent_runtime.run r SET
        tenant_id = k.tenant_id, owner_id = k.owner_id, owner_kind = k.owner_kind,
        idempotency_key = CASE WHEN k.is_taken THEN NULL ELSE r.idempotency_key END,
        fingerprint = CASE WHEN k.is_taken THEN NULL ELSE r.fingerprint END
      FROM keyed k WHERE r.id = k.id
      RETURNING r.id
    )
    SELECT count(*)::int AS count FROM moved`,
}

// Includes files that are being uploaded.
const MOVE_FILES = {
  name: 'session_claim_files',
  text: `
    WITH theirs AS (
      SELECT f.id FROM agent_runtime.file f
      WHERE ${isOwned('f', 1)}
      ORDER BY f.id
      FOR NO KEY UPDATE
    )
    UPDATE agent_runtime.file f SET tenant_id = $4, owner_id = $5, owner_kind = $6
    FROM theirs WHERE f.id = theirs.id`,
}

// Of two memories with one key, the newer one stays.
const DROP_OLDER_MEMORIES = {
  name: 'session_claim_older_memories',
  text: `
    DELETE FROM agent_runtime.memory m USING agent_runtime.memory a, agent_runtime.memory b
    WHERE ${isOwned('a', 1)} AND ${isOwned('b', 4)} AND a.namespace = b.namespace AND a.key = b.key
      AND m.id = CASE WHEN a.updated_at > b.updated_at THEN b.id ELSE a.id END`,
}

const MOVE_MEMORIES = {
  name: 'session_claim_memories',
  text: `
    WITH theirs AS (
      SELECT m.id FROM agent_runtime.memory m
      WHERE ${isOwned('m', 1)}
      ORDER BY m.id
      FOR NO KEY UPDATE
    )
    UPDATE agent_runtime.memory m SET tenant_id = $4, owner_id = $5, owner_kind = $6
    FROM theirs WHERE m.id = theirs.id`,
}

interface SessionRow {
  id: string
  tenantId: string
  visitorId: string
  isClaimed: boolean
}

type Session = Parameters<SessionStore['claimSession']>[0]

/**
 * The most tries. One fails if the user uses the same key at this moment, or on a deadlock; the next try then finds the
 * key used.
 */
const MAX_TRIES = 5

export async function claimSession(pool: pg.Pool, session: Session, to: Owner): Promise<ClaimOutcome> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await inTransaction(pool, (client) => claim(client, session, to))
    } catch (error) {
      if (tries === MAX_TRIES || !isPassing(error)) throw error
    }
  }
}

async function claim(client: pg.PoolClient, session: Session, to: Owner): Promise<ClaimOutcome> {
  const found = await lock(client, session)
  if (found === undefined) return { kind: 'none' }
  if (found.isClaimed) return { kind: 'claimed-before' }
  const { tenantId, visitorId: id } = found
  const owners = [...ownerValues({ id, tenantId, kind: 'anonymous' }), ...ownerValues(to)]
  const [, [conversations], [runs]] = await Promise.all([
    execute(client, END, [found.id]),
    execute<{ count: number }>(client, MOVE_CONVERSATIONS, owners),
    execute<{ count: number }>(client, MOVE_RUNS, owners),
    execute(client, MOVE_FILES, owners),
    execute(client, DROP_OLDER_MEMORIES, owners),
    execute(client, MOVE_MEMORIES, owners),
  ])
  return { kind: 'claimed', conversations: conversations?.count ?? 0, runs: runs?.count ?? 0 }
}

async function lock(client: pg.PoolClient, session: Session): Promise<SessionRow | undefined> {
  const [row] =
    'tokenHash' in session
      ? await execute<SessionRow>(client, LOCK_BY_TOKEN, [session.tokenHash])
      : await execute<SessionRow>(client, LOCK_BY_VISITOR, visitorValues(session.visitor))
  return row
}

const visitorValues = ({ tenantId, id }: Visitor) => [tenantId, id]

function isPassing(error: unknown): boolean {
  return error instanceof StoreFailure && (error.kind === 'contended' || isDuplicate(error))
}
