// Schedules that callers made. `taken_until` reserves a due schedule for one process; `next_at` fences what that
// process writes.
import type pg from 'pg'
import type { Json, JsonObject } from '../../contract/json.ts'
import type { Message } from '../../contract/message.ts'
import type { StoredSchedule } from '../../contract/schedule.ts'
import type { Owner, Reach } from '../../ports/owner.ts'
import type { DueSchedule, NewSchedule, ScheduleStore } from '../../ports/store/schedule-store.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { forEachScope, isOwned, isReached, ownerValues, reachValues } from '../owned-by.ts'
import { toOwner } from '../rows/owner-columns.ts'
import { SCHEDULE_COLUMNS } from '../rows/schedule-row.ts'
import type { ScheduleRow } from '../rows/schedule-row.ts'

const AT_ONCE = 20

// Makes creates of one owner count one at a time, or two would find the same room.
const LOCK_OWNER = {
  name: 'schedule_lock_owner',
  text: `SELECT pg_advisory_xact_lock(hashtextextended(jsonb_build_array('schedule', $1::text, $2::text, $3::text)::text, 0))`,
}

const CREATE = {
  name: 'schedule_create',
  text: `
    INSERT INTO agent_runtime.schedule AS r (tenant_id, owner_id, owner_kind, id, name, agent_key, cron, every_seconds,
      time_zone, input, conversation_id, created_at, next_at)
    SELECT $1, $2, $3, $4::uuid, $5, $6, $7, $8::int, $9, $10::jsonb, $11::uuid, $12::timestamptz, $13::timestamptz
    WHERE (SELECT count(*) FROM agent_runtime.schedule s WHERE ${isOwned('s', 1)}) < $14
    RETURNING ${SCHEDULE_COLUMNS}`,
}

export async function createSchedule(
  pool: pg.Pool,
  { owner, messages, params, metadata, ...schedule }: NewSchedule,
  max: number,
): Promise<StoredSchedule | null> {
  const values = ownerValues(owner)
  const { id, name, agentKey, cron, everySeconds, timeZone, conversationId, createdAt, nextAt } = schedule
  return inTransaction(pool, async (client) => {
    const [, [row]] = await Promise.all([
      execute(client, LOCK_OWNER, values),
      execute<ScheduleRow>(client, CREATE, [
        ...values,
        ...[id, name, agentKey, cron, everySeconds, timeZone],
        JSON.stringify({ messages, params, metadata }),
        conversationId,
        createdAt,
        nextAt,
        max,
      ]),
    ])
    return row === undefined ? null : toSchedule(row)
  })
}

const GET = forEachScope(
  'schedule_get',
  (scope) => `
    SELECT ${SCHEDULE_COLUMNS} FROM agent_runtime.schedule r
    WHERE r.id = $1 AND ${isReached(scope, 'r', 2)}`,
)

export async function getSchedule(pool: pg.Pool, reach: Reach, id: string): Promise<StoredSchedule | null> {
  const [row] = await execute<ScheduleRow>(pool, GET[reach.scope], [id, ...reachValues(reach)])
  return row === undefined ? null : toSchedule(row)
}

const PAUSE = {
  name: 'schedule_pause',
  text: `
    UPDATE agent_runtime.schedule r SET paused_at = COALESCE(paused_at, now()), next_at = NULL, updated_at = now()
    WHERE r.id = $1 AND ${isOwned('r', 2)}
    RETURNING ${SCHEDULE_COLUMNS}`,
}

export async function pauseSchedule(pool: pg.Pool, owner: Owner, id: string): Promise<StoredSchedule | null> {
  const [row] = await execute<ScheduleRow>(pool, PAUSE, [id, ...ownerValues(owner)])
  return row === undefined ? null : toSchedule(row)
}

const RESUME = {
  name: 'schedule_resume',
  text: `
    UPDATE agent_runtime.schedule r SET
      next_at = CASE WHEN paused_at IS NULL THEN next_at ELSE $5::timestamptz END,
      taken_until = CASE WHEN paused_at IS NULL THEN taken_until END,
      paused_at = NULL, updated_at = now()
    WHERE r.id = $1 AND ${isOwned('r', 2)}
    RETURNING ${SCHEDULE_COLUMNS}`,
}

export async function resumeSchedule(
  pool: pg.Pool,
  { owner, id }: { owner: Owner; id: string },
  nextAt: Date | null,
): Promise<StoredSchedule | null> {
  const [row] = await execute<ScheduleRow>(pool, RESUME, [id, ...ownerValues(owner), nextAt])
  return row === undefined ? null : toSchedule(row)
}

const DELETE = {
  name: 'schedule_delete',
  text: `DELETE FROM agent_runtime.schedule r WHERE r.id = $1 AND ${isOwned('r', 2)} RETURNING r.id`,
}

export async function deleteSchedule(pool: pg.Pool, owner: Owner, id: string): Promise<boolean> {
  return (await execute(pool, DELETE, [id, ...ownerValues(owner)])).length > 0
}

/** SQL condition: the row `s` is due and no process has taken it. */
export const isDue = (s: string) =>
  `${s}.next_at <= now() AND (${s}.taken_until IS NULL OR ${s}.taken_until <= now())`

const TAKE = {
  name: 'schedule_take',
  text: `
    WITH due AS (
      SELECT s.id FROM agent_runtime.schedule s
      WHERE ${isDue('s')} AND s.agent_key = ANY ($1::text[])
      ORDER BY s.next_at
      LIMIT ${AT_ONCE}
      FOR UPDATE SKIP LOCKED
    )
    UPDATE agent_runtime.schedule r SET taken_until = now() + $2 * interval '1 millisecond'
    FROM due WHERE r.id = due.id
    RETURNING ${SCHEDULE_COLUMNS}, now() AS now`,
}

export async function takeDueSchedules(
  pool: pg.Pool,
  agentKeys: readonly string[],
  leaseMs: number,
): Promise<DueSchedule[]> {
  const rows = await execute<ScheduleRow & { nextAt: Date; now: Date }>(pool, TAKE, [agentKeys, leaseMs])
  return rows.map((row) => ({ ...toSchedule(row), nextAt: row.nextAt.toISOString(), now: row.now }))
}

// A schedule that was paused or resumed meanwhile has another `next_at`, and is not changed.
const SETTLE = {
  name: 'schedule_settle',
  text: `
    UPDATE agent_runtime.schedule SET
      next_at = $3, taken_until = NULL,
      last_at = COALESCE($4, last_at),
      last_run_id = CASE WHEN $4::timestamptz IS NULL THEN last_run_id ELSE $5 END,
      last_error = CASE WHEN $4::timestamptz IS NULL THEN last_error ELSE $6 END
    WHERE id = $1 AND next_at = $2`,
}

export async function settleSchedule(
  pool: pg.Pool,
  ...[{ id, nextAt }, outcome, next]: Parameters<ScheduleStore['settleSchedule']>
): Promise<void> {
  const { at = null, runId = null, error = null } = outcome ?? {}
  await execute(pool, SETTLE, [id, nextAt, next, at, runId, error])
}

export function toSchedule(row: ScheduleRow): StoredSchedule {
  const { messages, params, metadata } = row.input as {
    messages: Message[]
    params: Json
    metadata: JsonObject
  }
  return {
    id: row.id,
    owner: toOwner(row),
    name: row.name,
    agentKey: row.agentKey,
    cron: row.cron,
    everySeconds: row.everySeconds,
    timeZone: row.timeZone,
    messages,
    params,
    metadata,
    conversationId: row.conversationId,
    pausedAt: row.pausedAt?.toISOString() ?? null,
    nextAt: row.nextAt?.toISOString() ?? null,
    lastAt: row.lastAt?.toISOString() ?? null,
    lastRunId: row.lastRunId,
    lastError: row.lastError,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}
