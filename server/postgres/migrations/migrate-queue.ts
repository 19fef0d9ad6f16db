import type pg from 'pg'
import { PgBoss } from 'pg-boss'
import { schemaExists } from './migrations.ts'
import { QUEUE_SCHEMA } from '../queue/queue.ts'

/**
 * Brings the queue's tables to the version of the installed pg-boss. The caller holds the migration lock.
 *
 * @returns what was applied now, empty when the tables were up to date.
 */
export async function migrateQueue(pool: pg.Pool): Promise<string[]> {
  const before = await readVersion(pool)
  const boss = new PgBoss({
    // pg-boss' own connection would take the database's settings, and does not work behind a pooler.
    db: { executeSql: (text, values = []) => pool.query(text, values) },
    schema: QUEUE_SCHEMA,
    createSchema: !(await schemaExists(pool, QUEUE_SCHEMA)),
    // Only create the tables: no timers, and no entry among the running instances.
    supervise: false,
    schedule: false,
    registerInstance: false,
    openTelemetry: { enabled: false },
  })
  let failure: Error | undefined
  boss.on('error', (error) => (failure ??= error))
  try {
    await boss.start()
  } finally {
    await boss.stop({ graceful: false, close: false })
  }
  if (failure !== undefined) throw failure
  const after = await readVersion(pool)
  return before === after ? [] : [`queue tables, version ${after}`]
}

async function readVersion(pool: pg.Pool): Promise<number | undefined> {
  const { rows: tables } = await pool.query<{ exists: boolean }>(
    `SELECT to_regclass('${QUEUE_SCHEMA}.version') IS NOT NULL AS exists`,
  )
  if (tables[0]?.exists !== true) return undefined
  const { rows } = await pool.query<{ version: number }>(`SELECT version FROM ${QUEUE_SCHEMA}.version`)
  return rows[0]?.version
}
