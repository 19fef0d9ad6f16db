import type pg from 'pg'
import type { ScheduleFacts } from '../../ports/examination.ts'
import { LISTED, OVERDUE_SECONDS } from '../../ports/examination.ts'

const COUNTS = `
  SELECT count(*)::int AS total, count(paused_at)::int AS paused FROM agent_runtime.schedule`

const OVERDUE = `
  SELECT id, agent_key AS "agentKey", next_at AS since, count(*) OVER ()::int AS total
  FROM agent_runtime.schedule
  WHERE next_at < now() - interval '${OVERDUE_SECONDS} seconds'
  ORDER BY next_at
  LIMIT ${LISTED}`

export async function examineSchedules(pool: pg.Pool): Promise<ScheduleFacts> {
  const { rows: counts } = await pool.query<Pick<ScheduleFacts, 'total' | 'paused'>>(COUNTS)
  const { rows } = await pool.query<{ id: string; agentKey: string; since: Date; total: number }>(OVERDUE)
  const listed = rows.map(({ id, agentKey, since }) => ({ id, agentKey, since: since.toISOString() }))
  return { total: 0, paused: 0, ...counts[0], overdue: { total: rows[0]?.total ?? 0, listed } }
}
