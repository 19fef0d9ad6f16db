// The work of upkeep, except the recovery of runs from lost workers.
import type pg from 'pg'
import { EXPIRED } from '../../lifecycle/errors.ts'
import { timedOutPayloadSql } from '../../lifecycle/payloads.ts'
import { OPEN } from '../../lifecycle/statuses.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { QueuedRun } from '../../ports/queue.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import type { ChangedRun, GivenTurn, TurnsToGive, Upkeep } from '../../ports/upkeep.ts'
import { isAbsent } from '../presence.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { setEnded } from './end-runs.ts'
import { MAY_START } from './gates.ts'
import { isDue } from './schedules.ts'
import { insertEventOf } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'

const { expired } = TRANSITIONS

/**
 * SQL for the run that has its turn in a conversation (an expression); NULL when there is none. A subquery with a LIMIT
 * always uses the index, while an EXISTS may become a join that reads every open run.
 */
const holderOf = (conversationId: string) => `(
          SELECT holder.id FROM agent_runtime.run holder
          WHERE holder.conversation_id = ${conversationId} AND holder.turn IS NULL AND holder.status IN ${OPEN}
          LIMIT 1)`

/** SQL for the next conversation (after an expression) in which runs wait for their turn. */
const waitingAfter = (conversationId: string) => `(
          SELECT w.conversation_id FROM agent_runtime.run w
          WHERE w.turn IS NOT NULL AND w.conversation_id > ${conversationId}
          ORDER BY w.conversation_id
          LIMIT 1)`

/**
 * SQL condition: there is such a run. The order in `where` makes the planner use the index with that order, whatever
 * its estimates.
 */
const isThere = (where: string) => `(SELECT id FROM agent_runtime.run WHERE ${where} LIMIT 1) IS NOT NULL`

/** How many conversations one look covers; the next look continues there. */
const MAX_CONVERSATIONS = 500

/** SQL condition on the sweep's row: the last look is at least $1 milliseconds old. */
const IS_DUE = `name = 'upkeep' AND at <= now() - $1 * interval '1 millisecond'`

// Each process runs this twice a second.
const IS_LOOK_DUE = {
  name: 'upkeep_due',
  text: `SELECT FROM agent_runtime.sweep WHERE ${IS_DUE}`,
}

// The answer is almost always no. Partial indexes of open runs keep it cheap, whatever the table's size. One process
// looks at a time, and none while the last look is recent. No lock is held between statements, so a frozen process
// keeps nobody from looking.
const FIND = {
  text: `
    WITH RECURSIVE look AS MATERIALIZED (
      SELECT id AS "from" FROM agent_runtime.sweep
      WHERE ${IS_DUE}
      FOR NO KEY UPDATE SKIP LOCKED
    ), conversation AS (
      SELECT next.conversation_id AS id, 1 AS place
      FROM look CROSS JOIN LATERAL ${waitingAfter('look."from"')} AS next
      UNION ALL
      SELECT next.conversation_id, c.place + 1
      FROM conversation c CROSS JOIN LATERAL ${waitingAfter('c.id')} AS next
      WHERE c.place < ${MAX_CONVERSATIONS}
    ), looked AS (
      UPDATE agent_runtime.sweep SET
        at = now(),
        id = COALESCE(
          (SELECT id FROM conversation WHERE place = ${MAX_CONVERSATIONS}),
          '00000000-0000-0000-0000-000000000000')
      WHERE name = 'upkeep' AND EXISTS (SELECT FROM look)
    )
    SELECT
      COALESCE(array_agg(owner) FILTER (WHERE owner IS NOT NULL AND ${isAbsent('owner')}), '{}') AS "absentWorkerIds",
      COALESCE(bool_or(expires_at < now()), false) AS "hasExpiredLease",
      EXISTS (
        SELECT FROM agent_runtime.run
        WHERE status = 'queued' AND attempt = 0 AND expires_at <= now()) AS "hasExpiredRun",
      ${isThere(`gate = 'principal' AND status = 'queued' ORDER BY tenant_id, owner_id, owner_kind`)}
        OR ${isThere(`gate = 'tenant' AND status = 'queued' ORDER BY tenant_id`)}
        OR ${isThere(`gate = 'later' AND status = 'queued' AND turn IS NULL AND run_at <= now() ORDER BY run_at`)}
        AS "hasParkedRun",
      (SELECT s.id FROM agent_runtime.schedule s WHERE ${isDue('s')} ORDER BY s.next_at LIMIT 1) IS NOT NULL AS "hasDueSchedule",
      (SELECT n.id FROM agent_runtime.family_news n WHERE n.next_at <= now() ORDER BY n.next_at LIMIT 1) IS NOT NULL
        AS "hasFamilyNews",
      (SELECT s.run_id FROM agent_runtime.sent_message s WHERE s.left_at IS NOT NULL ORDER BY s.left_at LIMIT 1) IS NOT NULL
        AS "hasLeftMessages",
      ARRAY(SELECT c.id FROM conversation c WHERE ${holderOf('c.id')} IS NULL) AS "freeConversationIds"
    FROM look LEFT JOIN (
      SELECT lease_owner AS owner, min(lease_expires_at) AS expires_at
      FROM agent_runtime.run
      WHERE status = 'running'
      GROUP BY lease_owner
    ) AS owners ON owner IS NOT NULL
    GROUP BY look."from"`,
}

export async function findUpkeep(pool: pg.Pool, minAgeMs: number): Promise<Upkeep | null> {
  const due = await execute(pool, IS_LOOK_DUE, [minAgeMs])
  if (due.length === 0) return null
  const [row] = await execute<Upkeep>(pool, FIND, [minAgeMs])
  return row ?? null
}

const EXPIRE = {
  text: `
    WITH late AS (
      SELECT id FROM agent_runtime.run
      WHERE status = 'queued' AND attempt = 0 AND expires_at <= now()
      ORDER BY id
      LIMIT 500
      FOR NO KEY UPDATE SKIP LOCKED
    ), r AS (
      UPDATE agent_runtime.run r SET
        error = $1::jsonb, ${setEnded(expired)}
      FROM late WHERE r.id = late.id
      RETURNING r.*
    ), told AS (
      ${insertEventOf(expired, { visibility: '$2', payload: timedOutPayloadSql('$1::jsonb') })}
    )
    SELECT id, agent_key AS "agentKey", status, last_seq AS "lastSeq" FROM r`,
}

export async function expireRuns(pool: pg.Pool, visibilityOf: VisibilityOf): Promise<ChangedRun[]> {
  return execute<ChangedRun>(pool, EXPIRE, [JSON.stringify(EXPIRED), visibilityOf(expired.event)])
}

// Creating a run in a conversation takes the same lock, so the two see each other's changes.
const lockConversations = (ifLocked: '' | 'SKIP LOCKED') => `
    SELECT c.id FROM agent_runtime.conversation c
    WHERE c.id = ANY ($1::uuid[])
      AND EXISTS (SELECT FROM agent_runtime.run w WHERE w.conversation_id = c.id AND w.turn IS NOT NULL)
    ORDER BY c.id
    FOR NO KEY UPDATE OF c ${ifLocked}`

// `skip` leaves locked conversations to a later look, since recovery must not wait for them.
const LOCK = {
  wait: { name: 'turn_lock', text: lockConversations('') },
  skip: { name: 'turn_lock_free', text: lockConversations('SKIP LOCKED') },
}

/**
 * SQL for ended runs (`over`) with unread messages, which are about to become the conversation's next run. It only
 * finds messages of the last minute, so that other runs do not wait forever if that fails.
 */
export const LEFT_OF_RUNS = `
          agent_runtime.sent_message s JOIN agent_runtime.run over ON over.id = s.run_id
          WHERE s.left_at > now() - interval '1 minute'`

const hasLeftMessages = (conversationId: string) =>
  `EXISTS (SELECT FROM ${LEFT_OF_RUNS} AND over.conversation_id = ${conversationId})`

const GIVE = {
  name: 'turn_give',
  text: `
    UPDATE agent_runtime.run r SET
      turn = NULL,
      gate = CASE WHEN r.gate = 'later' AND (r.run_at IS NULL OR r.run_at <= now()) THEN 'principal' ELSE r.gate END
    FROM (
      SELECT first.id FROM unnest($1::uuid[]) AS c (id)
      CROSS JOIN LATERAL (
        SELECT w.id FROM agent_runtime.run w
        WHERE w.conversation_id = c.id AND w.turn IS NOT NULL
        ORDER BY w.turn
        LIMIT 1) AS first
      WHERE ${holderOf('c.id')} IS NULL AND NOT ${hasLeftMessages('c.id')}
    ) AS next
    WHERE r.id = next.id AND r.turn IS NOT NULL
    RETURNING r.id, r.agent_key AS "agentKey", r.status, r.priority, r.last_seq AS "lastSeq", r.run_at AS "runAt",
      CASE WHEN NOT (${MAY_START}) THEN
        jsonb_build_object('tenantId', r.tenant_id, 'id', r.owner_id, 'kind', r.owner_kind)
      END AS "parkedFor"`,
}

export async function giveTurns(
  pool: pg.Pool,
  { conversationIds, ifLocked }: TurnsToGive,
  deliver: Deliver,
): Promise<GivenTurn[]> {
  return inTransaction(pool, async (client, tx) => {
    const locked = await execute<{ id: string }>(client, LOCK[ifLocked], [conversationIds])
    if (locked.length === 0) return []
    const rows = await execute<GivenTurn & Omit<QueuedRun, 'runAt'> & { runAt: Date | null }>(client, GIVE, [
      locked.map(({ id }) => id),
    ])
    const runs = rows.map((row) => ({ ...row, runAt: row.runAt?.toISOString() ?? null }))
    const startable = runs.filter(({ parkedFor }) => parkedFor === null)
    if (startable.length > 0) await deliver(startable, tx)
    return runs
  })
}
