// Shows which workers are alive. Each worker holds an advisory lock on a connection of its own. PostgreSQL drops the
// lock when that connection ends, however the process died.
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Presence } from '../ports/presence.ts'
import { createPgSession } from './connections/session.ts'
import type { PgConnection } from './connections/session.ts'

/** First half of the lock's key, to tell these locks from others in the database. */
const LOCK_CLASS = 0x61_67_77_6b

interface PgPresenceOptions {
  /** Should lead to PostgreSQL itself, not to a pooler. */
  databaseUrl: string
  clock: Clock
  log: Logger
}

export function createPgPresence({ databaseUrl, clock, log }: PgPresenceOptions): Presence {
  return {
    async announce(workerId, onShownAgain) {
      const session = createPgSession({
        url: databaseUrl,
        applicationName: 'agent-runtime presence',
        name: 'presence',
        clock,
        log,
        prepare: (connection) => hold(connection, workerId),
        onReplaced: onShownAgain,
      })
      await session.start()
      return { isShown: () => session.isConnected(), end: () => session.stop() }
    },
  }
}

async function hold({ client, isPooled }: PgConnection, workerId: string): Promise<void> {
  if (!isPooled) {
    await client.query('SELECT pg_advisory_lock_shared($1, hashtext($2))', [LOCK_CLASS, workerId])
    return
  }
  // A pooler keeps a connection with one client while a transaction is open. This transaction holds no snapshot, so it
  // does not hinder vacuum. It must outlast the limits on idle transactions.
  await client.query('BEGIN')
  await client.query(
    `SELECT set_config(name, '0', true) FROM pg_settings
     WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')`,
  )
  await client.query('SELECT pg_advisory_xact_lock_shared($1, hashtext($2))', [LOCK_CLASS, workerId])
}

/** SQL condition: nobody holds the lock of this worker id (an expression). */
export function isAbsent(workerId: string): string {
  return `NOT EXISTS (
    SELECT FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.classid = ${LOCK_CLASS}
      AND l.objid = (hashtext(${workerId})::bigint & 4294967295)::oid
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.granted)`
}

/** SQL that counts the workers that are present. */
export const PRESENT_WORKERS: string = `
  SELECT count(DISTINCT l.objid)::int AS present
  FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.classid = ${LOCK_CLASS}
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.granted`
