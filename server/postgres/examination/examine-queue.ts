// The doctor's queries about the queue.
import type pg from 'pg'
import pgBossPackage from 'pg-boss/package.json' with { type: 'json' }
import type { Listed, QueueFacts, SchemaFacts } from '../../ports/examination.ts'
import { LISTED } from '../../ports/examination.ts'
import type { Recurrence, Timetable } from '../../ports/timetable.ts'
import { DEAD_LETTER_QUEUE } from '../queue/dead-letters.ts'
import { QUEUE_SCHEMA } from '../queue/queue.ts'
import { SCHEDULE_PREFIX } from '../queue/timetable.ts'

export async function compareQueueVersion(pool: pg.Pool): Promise<SchemaFacts['queue']> {
  const needed = pgBossPackage.pgboss.schema
  const { rows: tables } = await pool.query<{ exists: boolean }>(
    `SELECT to_regclass('${QUEUE_SCHEMA}.version') IS NOT NULL AS exists`,
  )
  if (tables[0]?.exists !== true) return { found: null, needed }
  const { rows } = await pool.query<{ version: number }>(`SELECT version FROM ${QUEUE_SCHEMA}.version`)
  return { found: rows[0]?.version ?? null, needed }
}

// COALESCE: somebody may have put anything there by hand.
const DEAD_LETTERS = `
  SELECT id, COALESCE(data ->> 'queue', '') AS queue, COALESCE(data ->> 'reason', '') AS reason,
    created_on AS since, count(*) OVER ()::int AS total
  FROM ${QUEUE_SCHEMA}.job
  WHERE name = $1 AND state < 'completed'
  ORDER BY created_on DESC
  LIMIT ${LISTED}`

// Ignores jobs from before the queue was moved to Redis.
const TWICE = `
  SELECT job.name AS "agentKey", count(*)::int AS deliveries, count(*) OVER ()::int AS total
  FROM ${QUEUE_SCHEMA}.job JOIN agent_runtime.queue_epoch e ON e.queue = job.name
  WHERE job.created_on > now() - interval '1 minute'
  GROUP BY job.name
  ORDER BY job.name
  LIMIT ${LISTED}`

const SCHEDULES = `
  SELECT name, key, cron, COALESCE(timezone, 'UTC') AS "timeZone", count(*) OVER ()::int AS total
  FROM ${QUEUE_SCHEMA}.schedule
  WHERE starts_with(name, $1)
  ORDER BY name, key
  LIMIT ${LISTED}`

export async function examineQueue(
  pool: pg.Pool,
  timetable: Pick<Timetable, 'next'>,
  now: number,
): Promise<QueueFacts> {
  return {
    twice: await listTwice(pool),
    deadLetters: await listDeadLetters(pool),
    schedules: await listSchedules(pool, timetable, now),
  }
}

async function listTwice(pool: pg.Pool): Promise<QueueFacts['twice']> {
  const { rows } = await pool.query<{ agentKey: string; deliveries: number; total: number }>(TWICE)
  return toList(rows, ({ agentKey, deliveries }) => ({ agentKey, deliveries }))
}

async function listDeadLetters(pool: pg.Pool): Promise<QueueFacts['deadLetters']> {
  const { rows } = await pool.query<{
    id: string
    queue: string
    reason: string
    since: Date
    total: number
  }>(DEAD_LETTERS, [DEAD_LETTER_QUEUE])
  return toList(rows, ({ id, queue, reason, since }) => ({ id, queue, reason, since: since.toISOString() }))
}

async function listSchedules(
  pool: pg.Pool,
  timetable: Pick<Timetable, 'next'>,
  now: number,
): Promise<QueueFacts['schedules']> {
  const { rows } = await pool.query<{
    name: string
    key: string
    cron: string
    timeZone: string
    total: number
  }>(SCHEDULES, [SCHEDULE_PREFIX])
  return toList(rows, ({ name, key, cron, timeZone }) => {
    const next = nextOf(timetable, { cron, timeZone }, now)
    return { agentKey: name.slice(SCHEDULE_PREFIX.length), name: key, cron, timeZone, next }
  })
}

/** Null also for a recurrence that this version cannot read. */
function nextOf(timetable: Pick<Timetable, 'next'>, recurrence: Recurrence, now: number): string | null {
  try {
    const next = timetable.next(recurrence, now)
    return next === undefined ? null : new Date(next).toISOString()
  } catch {
    return null
  }
}

function toList<TRow extends { total: number }, T>(rows: TRow[], of: (row: TRow) => T): Listed<T> {
  return { total: rows[0]?.total ?? 0, listed: rows.map(of) }
}
