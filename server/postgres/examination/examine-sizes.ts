import type pg from 'pg'
import type { SizeFacts } from '../../ports/examination.ts'
import { QUEUE_SCHEMA } from '../queue/queue.ts'

const SIZES = `
  SELECT n.nspname || '.' || c.relname AS name, pg_total_relation_size(c.oid)::float8 AS bytes,
    GREATEST(c.reltuples, 0)::float8 AS rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('agent_runtime', '${QUEUE_SCHEMA}') AND c.relkind = 'r'
  ORDER BY bytes DESC
  LIMIT 6`

// The first row of the primary key is the oldest, since run ids are ordered by time.
const OLDEST_EVENT = 'SELECT ts FROM agent_runtime.event ORDER BY run_id, seq LIMIT 1'

export async function examineSizes(pool: pg.Pool): Promise<SizeFacts> {
  const { rows: tables } = await pool.query<SizeFacts['tables'][number]>(SIZES)
  const { rows: events } = await pool.query<{ ts: Date }>(OLDEST_EVENT)
  return { tables, oldestEvent: events[0]?.ts.toISOString() ?? null }
}
