// What has to happen though nobody asks for it, beside the recovery of runs whose worker was lost.
import type pg from 'pg'
import type { Visibility } from '../../../contract/event.ts'
import type { RunError } from '../../../contract/run.ts'
import type { Enqueue, QueuedRun } from '../../../ports/queue.ts'
import type { ChangedRun, Upkeep } from '../../../ports/upkeep.ts'
import { isAbsent } from '../../pg-presence.ts'
import { execute, inTransaction } from '../transaction.ts'

/** SQL that is true for a run that waits for its turn (an alias) while no other run of its conversation has it. */
const isNext = (waiting: string) => `${waiting}.turn IS NOT NULL
        AND NOT EXISTS (
          SELECT FROM agent_runtime.run active
          WHERE active.conversation_id = ${waiting}.conversation_id AND active.turn IS NULL
            AND active.status IN ('queued', 'running', 'waiting'))`

// Asked several times a second by every process, and the answer is almost always no: partial indexes that
// hold only what is open keep it cheap whatever the table's size.
const FIND = {
  name: 'find_upkeep',
  text: `
    SELECT
      COALESCE(array_agg(owner) FILTER (WHERE ${isAbsent('owner')}), '{}') AS "absentWorkerIds",
      COALESCE(bool_or(expires_at < now()), false) AS "hasExpiredLease",
      EXISTS (
        SELECT FROM agent_runtime.run
        WHERE status = 'queued' AND attempt = 0 AND expires_at <= now()) AS "hasExpiredRun",
      EXISTS (SELECT FROM agent_runtime.run w WHERE ${isNext('w')}) AS "hasTurn"
    FROM (
      SELECT lease_owner AS owner, min(lease_expires_at) AS expires_at
      FROM agent_runtime.run
      WHERE status = 'running'
      GROUP BY lease_owner
    ) AS owners`,
}

export async function findUpkeep(pool: pg.Pool): Promise<Upkeep> {
  const [row] = await execute<Upkeep>(pool, FIND, [])
  return row ?? { absentWorkerIds: [], hasExpiredLease: false, hasExpiredRun: false, hasTurn: false }
}

const EXPIRE = {
  name: 'expire_runs',
  text: `
    WITH late AS (
      SELECT id FROM agent_runtime.run
      WHERE status = 'queued' AND attempt = 0 AND expires_at <= now()
      ORDER BY id
      LIMIT 500
      FOR NO KEY UPDATE SKIP LOCKED
    ), r AS (
      UPDATE agent_runtime.run r SET
        status = 'timed_out', error = $1::jsonb, finished_at = now(), last_seq = last_seq + 1,
        run_at = NULL, turn = NULL
      FROM late WHERE r.id = late.id
      RETURNING r.*
    ), told AS (
      INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
      SELECT id, last_seq, attempt, 'run.timed_out', $2::agent_runtime.visibility,
        jsonb_build_object('error', $1::jsonb -> 'message'), now()
      FROM r
    )
    SELECT id, agent_key AS "agentKey", status, last_seq AS "lastSeq" FROM r`,
}

const EXPIRED: RunError = { message: 'The run was not started before it expired.', code: 'expired' }

export async function expireRuns(pool: pg.Pool, timedOutVisibility: Visibility): Promise<ChangedRun[]> {
  return execute<ChangedRun>(pool, EXPIRE, [JSON.stringify(EXPIRED), timedOutVisibility])
}

// Creating a run in a conversation holds the same lock, so that it and this see each other's work. Those where
// a run is under way, maybe waiting for days, are left alone: they would use up the limit each time.
const lockConversations = (which: string) => `
    SELECT id FROM agent_runtime.conversation
    WHERE id IN (SELECT w.conversation_id FROM agent_runtime.run w WHERE ${which} AND ${isNext('w')})
    ORDER BY id
    LIMIT 500
    FOR NO KEY UPDATE`
const LOCK_SOME = { name: 'turn_lock', text: lockConversations('w.conversation_id = ANY ($1::uuid[])') }
// What somebody holds is left to a later look: recovery must not wait behind it.
const LOCK_ALL = { name: 'turn_lock_all', text: `${lockConversations('true')} SKIP LOCKED` }

const GIVE = {
  name: 'turn_give',
  text: `
    UPDATE agent_runtime.run r SET turn = NULL
    FROM (
      SELECT DISTINCT ON (conversation_id) id FROM agent_runtime.run w
      WHERE conversation_id = ANY ($1::uuid[]) AND ${isNext('w')}
      ORDER BY conversation_id, turn
    ) AS next
    WHERE r.id = next.id
    RETURNING r.id, r.agent_key AS "agentKey", r.status, r.priority, r.last_seq AS "lastSeq", r.run_at AS "runAt"`,
}

export async function giveTurns(
  pool: pg.Pool,
  conversationIds: readonly string[] | null,
  enqueue: Enqueue,
): Promise<ChangedRun[]> {
  return inTransaction(pool, async (client, tx) => {
    const locked = await (conversationIds === null
      ? execute<{ id: string }>(client, LOCK_ALL, [])
      : execute<{ id: string }>(client, LOCK_SOME, [conversationIds]))
    if (locked.length === 0) return []
    const rows = await execute<ChangedRun & Omit<QueuedRun, 'runAt'> & { runAt: Date | null }>(client, GIVE, [
      locked.map(({ id }) => id),
    ])
    const runs = rows.map((row) => ({ ...row, runAt: row.runAt?.toISOString() ?? null }))
    if (runs.length > 0) await enqueue(runs, tx)
    return runs
  })
}
