import type pg from 'pg'
import { assertUtf8 } from '../connections/encoding.ts'
import { connectClient } from '../connections/client.ts'
import type { SessionSettings } from '../connections/session-settings.ts'

/** The key of the lock that makes migrations run one at a time. Any constant that nothing else in the database uses. */
const MIGRATION_LOCK = 0x61_67_72_74

const HOLDER = `
  SELECT a.pid, a.application_name AS name, COALESCE(host(a.client_addr), 'this machine') AS address, a.backend_start AS since
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = ${MIGRATION_LOCK} AND l.objsubid = 1 AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  LIMIT 1`

interface LockOptions {
  databaseUrl: string
  settings: SessionSettings
  /** Called with a sentence that says which process holds the lock. */
  onWait(whom: string): void
}

/**
 * Calls `work` while no other process migrates the database. The lock belongs to a transaction, since a session's lock
 * would stay behind in a pooler's connection.
 */
export async function whileAlone<T>(
  { databaseUrl, settings, onWait }: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const { client } = await connectClient(
    {
      connectionString: databaseUrl,
      application_name: 'agent-runtime migrate',
      connectionTimeoutMillis: 10_000,
      plan: { settings },
    },
    // An error of the connection shows in the statement under way, or at the commit.
    () => {},
  )
  try {
    await client.query('BEGIN')
    await client.query(
      `SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'`,
    )
    await assertUtf8(client)
    await takeLock(client, onWait)
    const result = await work()
    await client.query('COMMIT')
    return result
  } finally {
    await client.end()
  }
}

async function takeLock(client: pg.Client, onWait: LockOptions['onWait']): Promise<void> {
  const { rows: tries } = await client.query<{ taken: boolean }>(
    'SELECT pg_try_advisory_xact_lock($1) AS taken',
    [MIGRATION_LOCK],
  )
  if (tries[0]?.taken === true) return
  const { rows } = await client.query<{ pid: number; name: string; address: string; since: Date }>(HOLDER)
  const [holder] = rows
  if (holder !== undefined) {
    const { pid, name, address, since } = holder
    onWait(
      `Waiting for another migrate to end: process ${pid} of PostgreSQL (${name || 'unnamed'}, from ${address}, connected since ${since.toISOString()}). Should it hang: SELECT pg_terminate_backend(${pid})`,
    )
  }
  await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
}
