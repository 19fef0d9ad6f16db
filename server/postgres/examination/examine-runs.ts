// The doctor's queries about runs. They run rarely and by hand, so they may scan a table.
import type pg from 'pg'
import { LOSSES_IN_COMPANY } from '../../lifecycle/charges.ts'
import { WORKER_LOST as WORKER_LOST_ERROR } from '../../lifecycle/errors.ts'
import { listOf, OPEN } from '../../lifecycle/statuses.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import {
  CANCEL_OVERDUE_SECONDS,
  LISTED,
  OVERDUE_SECONDS,
  UPKEEP_GRACE_SECONDS,
} from '../../ports/examination.ts'
import type { Listed, RunFact, RunFacts, WorkerFacts } from '../../ports/examination.ts'
import { IS_TO_BE_DELIVERED } from '../deliveries/to-be-delivered.ts'
import { QUEUE_SCHEMA } from '../queue/queue.ts'
import { isolatedQueue } from '../../ports/queue.ts'
import { MAY_START } from '../statements/gates.ts'
import { isAbsent, PRESENT_WORKERS } from '../presence.ts'

// Only the queues of agents and of their isolated runs. The names of all other queues have a slash.
const IN_POSTGRES = `
    SELECT data ->> 'runId' AS run_id, agent_key, min(start_after) AS due
    FROM (
      SELECT *, regexp_replace(name, '^${isolatedQueue('')}', '') AS agent_key
      FROM ${QUEUE_SCHEMA}.job WHERE state < 'completed'
    ) AS job
    WHERE strpos(agent_key, '/') = 0
    GROUP BY 1, 2`

// Assume that a queue outside of the database has all its deliveries.
const ELSEWHERE = `
    SELECT id::text AS run_id, agent_key, COALESCE(run_at, created_at) AS due
    FROM agent_runtime.run
    WHERE status IN ${listOf(TRANSITIONS.started.from)} AND agent_key IN (SELECT queue FROM agent_runtime.queue_epoch)`

const DELIVERY = `
  delivery AS (
    SELECT run_id, agent_key, min(due) AS due
    FROM (${IN_POSTGRES} UNION ALL ${ELSEWHERE}) AS either
    GROUP BY 1, 2
  )`

const DUE = 'GREATEST(r.created_at, r.run_at, d.due)'

const OVERDUE = `
  WITH ${DELIVERY}
  SELECT r.agent_key AS "agentKey", count(*)::int AS runs, min(${DUE}) AS since
  FROM agent_runtime.run r JOIN delivery d ON d.run_id = r.id::text AND d.agent_key = r.agent_key
  WHERE r.status = 'queued' AND ${MAY_START} AND ${DUE} < now() - interval '${OVERDUE_SECONDS} seconds'
  GROUP BY r.agent_key
  ORDER BY since`

const EXPIRED_LEASES = `
  SELECT id, agent_key AS "agentKey", lease_owner AS worker, lease_expires_at AS since
  FROM agent_runtime.run
  WHERE status = 'running' AND lease_expires_at < now() - interval '${UPKEEP_GRACE_SECONDS} seconds'
  ORDER BY lease_expires_at`

const ABANDONED = `
  SELECT id, agent_key AS "agentKey", lease_owner AS worker, started_at AS since
  FROM agent_runtime.run
  WHERE status = 'running' AND lease_expires_at >= now() AND ${isAbsent('lease_owner')}
  ORDER BY id`

const IS_UNDELIVERED = `
  ${IS_TO_BE_DELIVERED}
  AND NOT EXISTS (SELECT FROM delivery d WHERE d.run_id = r.id::text AND d.agent_key = r.agent_key)`

const UNDELIVERED = `
  WITH ${DELIVERY}
  SELECT r.id, r.agent_key AS "agentKey", COALESCE(r.run_at, r.created_at) AS since
  FROM agent_runtime.run r
  WHERE ${IS_UNDELIVERED}
  ORDER BY r.id`

const UNSENT = `
  SELECT o.run_id AS id, o.queue AS "agentKey", o.send_at AS since
  FROM agent_runtime.outbox o
  WHERE o.send_at < now() - interval '${UPKEEP_GRACE_SECONDS} seconds'
  ORDER BY o.send_at`

const lockUndelivered = (delivery: string) => `
  WITH ${delivery}
  SELECT r.id, r.agent_key AS "agentKey", r.priority, r.last_seq AS "lastSeq", r.run_at AS "runAt"
  FROM agent_runtime.run r
  WHERE ${IS_UNDELIVERED}
  ORDER BY r.id
  LIMIT 500
  FOR NO KEY UPDATE OF r`

/** Locks the runs to deliver again, so that they are not claimed, cancelled or expired meanwhile. */
export const LOCK_UNDELIVERED = lockUndelivered(DELIVERY)

/** As LOCK_UNDELIVERED, but including runs whose queue is outside of the database. */
export const LOCK_NOT_IN_POSTGRES = lockUndelivered(`delivery AS (${IN_POSTGRES})`)

const CANCELS_PENDING = `
  SELECT id, agent_key AS "agentKey", cancel_requested_at AS since
  FROM agent_runtime.run
  WHERE status = 'running' AND cancel_requested_at < now() - interval '${CANCEL_OVERDUE_SECONDS} seconds'
  ORDER BY cancel_requested_at`

// Ids are ordered by time, so the runs of the last days are at the end of the primary key.
const WORKER_LOST = `
  SELECT id, agent_key AS "agentKey", finished_at AS since
  FROM agent_runtime.run
  WHERE id > (lpad(to_hex((extract(epoch FROM now() - interval '8 days') * 1000)::bigint), 12, '0')
      || repeat('0', 20))::uuid
    AND status = 'failed' AND finished_at > now() - interval '1 day' AND error ->> 'code' = '${WORKER_LOST_ERROR.code}'
  ORDER BY finished_at DESC`

const SUSPECT = `
  SELECT id, agent_key AS "agentKey", COALESCE(attempt_started_at, created_at) AS since
  FROM agent_runtime.run
  WHERE status IN ${OPEN} AND losses >= ${LOSSES_IN_COMPANY}
  ORDER BY losses DESC, id`

const WAITING = `
  SELECT count(DISTINCT r.id)::int AS total, min(w.created_at) AS oldest
  FROM agent_runtime.run r
  LEFT JOIN agent_runtime.wait w ON w.run_id = r.id AND w.status = 'pending'
  WHERE r.status = 'waiting'`

const UNDER_WAY = `
  SELECT count(*) FILTER (WHERE status = 'queued')::int AS queued,
    count(*) FILTER (WHERE status = 'running')::int AS running
  FROM agent_runtime.run WHERE status IN ('queued', 'running')`

const PARKED = `
  SELECT count(*)::int AS total, count(DISTINCT tenant_id)::int AS tenants, min(created_at) AS oldest
  FROM agent_runtime.run WHERE status = 'queued' AND gate IN ('principal', 'tenant')`

const BUSY = `
  SELECT lease_owner AS worker, count(*)::int AS runs
  FROM agent_runtime.run
  WHERE status = 'running' AND NOT (${isAbsent('lease_owner')})
  GROUP BY lease_owner
  ORDER BY runs DESC, worker`

export async function examineRuns(pool: pg.Pool): Promise<RunFacts> {
  const [waiting] = (await pool.query<{ total: number; oldest: Date | null }>(WAITING)).rows
  const [open] = (await pool.query<RunFacts['open']>(UNDER_WAY)).rows
  const [parked] = (await pool.query<{ total: number; tenants: number; oldest: Date | null }>(PARKED)).rows
  return {
    overdue: await list(pool, OVERDUE),
    expiredLeases: await list(pool, EXPIRED_LEASES),
    abandoned: await list(pool, ABANDONED),
    undelivered: await list<RunFact>(pool, UNDELIVERED),
    unsent: await list<RunFact>(pool, UNSENT),
    cancelsPending: await list<RunFact>(pool, CANCELS_PENDING),
    suspect: await list<RunFact>(pool, SUSPECT),
    workerLost: await list<RunFact>(pool, WORKER_LOST),
    waiting: { total: waiting?.total ?? 0, oldest: waiting?.oldest?.toISOString() ?? null },
    parked: {
      total: parked?.total ?? 0,
      tenants: parked?.tenants ?? 0,
      oldest: parked?.oldest?.toISOString() ?? null,
    },
    open: open ?? { queued: 0, running: 0 },
  }
}

export async function examineWorkers(pool: pg.Pool): Promise<WorkerFacts> {
  const [row] = (await pool.query<{ present: number }>(PRESENT_WORKERS)).rows
  return { present: row?.present ?? 0, busy: await list(pool, BUSY) }
}

/** The first rows that a statement finds, and the total. */
async function list<T extends object>(pool: pg.Pool, statement: string): Promise<Listed<T>> {
  const { rows } = await pool.query<{ total: number; since?: Date }>(
    `SELECT *, count(*) OVER ()::int AS total FROM (${statement}) AS found LIMIT ${LISTED}`,
  )
  const listed = rows.map(({ total: _total, since, ...row }) => ({
    ...row,
    ...(since !== undefined && { since: since.toISOString() }),
  }))
  return { total: rows[0]?.total ?? 0, listed: listed as unknown as T[] }
}
