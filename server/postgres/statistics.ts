import type pg from 'pg'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { QUEUE_SCHEMA } from './queue/queue.ts'

/** The tables of the hot statements. */
const TABLES = ['agent_runtime.run', 'agent_runtime.event', `${QUEUE_SCHEMA}.job_common`] as const

/** Below this size every plan is fast. It is about five hundred runs. */
const MIN_BYTES = 128 * 1024
const INTERVAL_MS = 2_000
/** How long to wait for another process that is gathering, which takes a while for a restored table. */
const MAX_TRIES = 15

const FIND_NEW = {
  name: 'tables_without_statistics',
  text: `
    SELECT t.name, pg_relation_size(c.oid) >= $2 AS "isFilled"
    FROM unnest($1::text[]) AS t (name) JOIN pg_class c ON c.oid = to_regclass(t.name)
    WHERE c.reltuples < 0`,
}

/**
 * Runs ANALYZE for tables that have filled up and have no statistics yet, in a new or restored database. Without
 * statistics, plans are those for empty tables, and taking a delivery becomes 20 times slower. Autovacuum would come
 * after a minute. Ends when no table is left. Never rejects.
 */
export async function gatherStatistics(
  { pool, clock, log }: { pool: pg.Pool; clock: Pick<Clock, 'sleep'>; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 0; !signal.aborted;) {
    try {
      const found = await findNew(pool)
      if (found.length === 0) return
      const filled = found.filter(({ isFilled }) => isFilled).map(({ name }) => name)
      if (filled.length > 0) {
        if (tries === MAX_TRIES) return log.info({ tables: filled }, NOT_ALLOWED)
        tries += 1
        // SKIP_LOCKED: only one of several processes does this.
        await pool.query(`ANALYZE (SKIP_LOCKED) ${filled.join(', ')}`)
      }
    } catch (error) {
      log.debug({ err: error }, 'gathering statistics failed; trying again')
    }
    await clock.sleep(INTERVAL_MS, signal)
  }
}

const NOT_ALLOWED =
  'a new table has no statistics, and this role may not run ANALYZE: statements are slow for about a minute, until autovacuum does'

async function findNew(pool: pg.Pool): Promise<{ name: string; isFilled: boolean }[]> {
  const { rows } = await pool.query<{ name: string; isFilled: boolean }>({
    ...FIND_NEW,
    values: [TABLES, MIN_BYTES],
  })
  return rows
}
