import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { QUEUE_SCHEMA } from './index.ts'

/**
 * Brings the queue's tables to the version of the installed pg-boss. Safe to call from many processes at
 * once: pg-boss makes them take turns.
 *
 * @returns what was applied now, empty when the tables were up to date.
 */
export async function migrateQueue(databaseUrl: string): Promise<string[]> {
  const before = await readVersion(databaseUrl)
  const boss = new PgBoss({
    connectionString: databaseUrl,
    schema: QUEUE_SCHEMA,
    // Only its tables are wanted: no timers, no entry among the running instances.
    supervise: false,
    schedule: false,
    registerInstance: false,
    max: 1,
  })
  let failure: Error | undefined
  boss.on('error', (error) => (failure ??= error))
  try {
    await boss.start()
  } finally {
    await boss.stop({ graceful: false })
  }
  if (failure !== undefined) throw failure
  const after = await readVersion(databaseUrl)
  return before === after ? [] : [`queue tables, version ${after}`]
}

async function readVersion(databaseUrl: string): Promise<number | undefined> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const exists = await client.query(`SELECT to_regclass('${QUEUE_SCHEMA}.version') IS NOT NULL AS yes`)
    if (exists.rows[0]?.yes !== true) return undefined
    const { rows } = await client.query<{ version: number }>(`SELECT version FROM ${QUEUE_SCHEMA}.version`)
    return rows[0]?.version
  } finally {
    await client.end()
  }
}
