import type pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import type {
  CreatedSession,
  NewSession,
  SessionBound,
  SessionStore,
  Visitor,
} from '../../ports/store/session-store.ts'
import type { Sweep } from '../../ports/upkeep.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { sweepAlone } from './sweep.ts'

const INSERT = {
  name: 'create_session',
  text: `
    INSERT INTO agent_runtime.anonymous_session (id, tenant_id, owner_id, token_hash, expires_at)
    VALUES ($1, $2, $3, $4, now() + $5::float8 * interval '1 millisecond')
    RETURNING expires_at AS "expiresAt"`,
}

// Makes servers count sessions of one address one at a time. The count is a separate statement, which sees sessions
// created while this one waited.
const TAKE_TURNS = {
  name: 'session_take_turns',
  text: `SELECT pg_advisory_xact_lock(hashtextextended('anonymous_session ' || encode($1::bytea, 'hex'), 0))`,
}

const INSERT_BOUNDED = {
  name: 'create_bounded_session',
  text: `
    WITH recent AS (
      SELECT count(*) AS made, min(created_at) AS oldest
      FROM (
        SELECT created_at FROM agent_runtime.anonymous_session
        WHERE address_hash = $6 AND created_at > now() - $8::float8 * interval '1 millisecond'
        ORDER BY created_at DESC
        LIMIT $7::int
      ) AS newest
    ), s AS (
      INSERT INTO agent_runtime.anonymous_session (id, tenant_id, owner_id, token_hash, expires_at, address_hash)
      SELECT $1::uuid, $2::text, $3::text, $4::bytea, now() + $5::float8 * interval '1 millisecond', $6::bytea
      FROM recent WHERE made < $7::int
      RETURNING expires_at
    )
    SELECT (SELECT expires_at FROM s) AS "expiresAt",
      extract(epoch FROM oldest - now())::float8 + $8::float8 / 1000 AS "retryAfterSeconds"
    FROM recent`,
}

export async function createSession(
  pool: pg.Pool,
  { visitor, tokenHash, lifetimeMs }: NewSession,
  bound: SessionBound | null,
): Promise<CreatedSession> {
  const values = [uuidv7(), visitor.tenantId, visitor.id, tokenHash, lifetimeMs]
  if (bound === null) {
    const [row] = await execute<{ expiresAt: Date }>(pool, INSERT, values)
    return { kind: 'created', expiresAt: (row as { expiresAt: Date }).expiresAt }
  }
  const { addressHash, max, windowMs } = bound
  return inTransaction(pool, async (client) => {
    const [, [row]] = await Promise.all([
      execute(client, TAKE_TURNS, [addressHash]),
      execute<{ expiresAt: Date | null; retryAfterSeconds: number }>(client, INSERT_BOUNDED, [
        ...values,
        addressHash,
        max,
        windowMs,
      ]),
    ])
    const { expiresAt = null, retryAfterSeconds = 0 } = row ?? {}
    return expiresAt === null ? { kind: 'too-many', retryAfterSeconds } : { kind: 'created', expiresAt }
  })
}

const FIND = {
  name: 'find_session',
  text: `
    SELECT tenant_id AS "tenantId", owner_id AS id,
      extract(epoch FROM expires_at - now())::float8 * 1000 AS "remainingMs"
    FROM agent_runtime.anonymous_session
    WHERE token_hash = $1 AND claimed_at IS NULL AND expires_at > now()`,
}

export async function findSession(pool: pg.Pool, tokenHash: Buffer): ReturnType<SessionStore['findSession']> {
  const [row] = await execute<Visitor & { remainingMs: number }>(pool, FIND, [tokenHash])
  if (row === undefined) return null
  const { remainingMs, ...visitor } = row
  return { visitor, remainingMs }
}

const RENEW = {
  name: 'renew_session',
  text: `
    UPDATE agent_runtime.anonymous_session SET expires_at = now() + $2::float8 * interval '1 millisecond'
    WHERE token_hash = $1 AND claimed_at IS NULL AND expires_at > now()`,
}

export async function renewSession(pool: pg.Pool, tokenHash: Buffer, lifetimeMs: number): Promise<void> {
  await execute(pool, RENEW, [tokenHash, lifetimeMs])
}

// The row is only written at the session's first use, and when the application has made it last at least a day longer.
const MEET = {
  name: 'meet_session',
  text: `
    WITH met AS (
      SELECT claimed_at, expires_at FROM agent_runtime.anonymous_session WHERE tenant_id = $2::text AND owner_id = $3::text
    ), noted AS (
      INSERT INTO agent_runtime.anonymous_session AS s (id, tenant_id, owner_id, expires_at)
      SELECT $1::uuid, $2::text, $3::text, $4::timestamptz
      WHERE NOT EXISTS (SELECT FROM met WHERE expires_at > $4::timestamptz - interval '1 day')
      ON CONFLICT (tenant_id, owner_id) DO UPDATE SET expires_at = GREATEST(s.expires_at, EXCLUDED.expires_at)
    )
    SELECT EXISTS (SELECT FROM met WHERE claimed_at IS NOT NULL) AS "isClaimed"`,
}

export async function meetSession(
  pool: pg.Pool,
  { visitor, expiresAt }: { visitor: Visitor; expiresAt: Date },
): Promise<boolean> {
  const [row] = await execute<{ isClaimed: boolean }>(pool, MEET, [
    uuidv7(),
    visitor.tenantId,
    visitor.id,
    expiresAt,
  ])
  return row?.isClaimed === false
}

const FORGET_ADDRESSES = {
  text: `
    UPDATE agent_runtime.anonymous_session SET address_hash = NULL
    WHERE address_hash IS NOT NULL AND created_at < now() - $1::float8 * interval '1 millisecond'`,
}

/** The most sessions of a batch. */
const MAX_SESSIONS = 1_000
/** The most memories of a batch. */
const MAX_MEMORIES = 5_000

// Keep a session for at least a day after its end: requests that were under way at its end must still find it ended.
const IS_OVER = `expires_at < now() - GREATEST(interval '1 day', COALESCE($1::float8, 0) * interval '1 millisecond')`

const OVER = `
  SELECT id, tenant_id, owner_id FROM agent_runtime.anonymous_session
  WHERE ${IS_OVER}
  ORDER BY expires_at
  LIMIT ${MAX_SESSIONS}`

const isOfVisitor = (memory: string) => `${memory}.owner_kind = 'anonymous'`

// Memories of a claimed session belong to a user by now. The condition is checked again for the deleted row, since a
// claim may move it meanwhile.
const DELETE_MEMORIES = {
  text: `
    DELETE FROM agent_runtime.memory m WHERE ${isOfVisitor('m')} AND m.id = ANY (ARRAY (
      SELECT o.id FROM (${OVER}) s
      JOIN agent_runtime.memory o ON o.tenant_id = s.tenant_id AND o.owner_id = s.owner_id AND ${isOfVisitor('o')}
      LIMIT ${MAX_MEMORIES}
    ))
    RETURNING m.id`,
}

const DELETE = {
  text: `
    DELETE FROM agent_runtime.anonymous_session WHERE id = ANY (ARRAY (SELECT id FROM (${OVER}) s)) RETURNING id`,
}

export function sweepSessions(
  pool: pg.Pool,
  { addressMs, deleteAfterMs }: { addressMs: number; deleteAfterMs: number | false },
): Promise<Sweep> {
  return sweepAlone(pool, 'sessions', async (client) => {
    await execute(client, FORGET_ADDRESSES, [addressMs])
    const keptMs = deleteAfterMs === false ? null : deleteAfterMs
    const memories = keptMs === null ? [] : await execute(client, DELETE_MEMORIES, [keptMs])
    // Keep the session as long as there are memories, since it names their owner.
    if (memories.length === MAX_MEMORIES) return { rows: memories.length, isDone: false }
    const deleted = await execute(client, DELETE, [keptMs])
    return { rows: memories.length + deleted.length, isDone: deleted.length < MAX_SESSIONS }
  })
}
