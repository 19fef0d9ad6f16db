// Who is alive, by what PostgreSQL itself knows: each worker holds an advisory lock on a connection of
// its own, and the server drops the lock the moment that connection ends, however the process died.
import pg from 'pg'
import type { Clock, Logger, Presence } from '../ports.ts'

/** First half of the lock's key, to tell these locks from others in the database. */
const LOCK_CLASS = 0x61_67_77_6b
const RECONNECT_MIN_MS = 20
const RECONNECT_MAX_MS = 2_000

interface PgPresenceOptions {
  databaseUrl: string
  clock: Clock
  log: Logger
}

export function createPgPresence({ databaseUrl, clock, log }: PgPresenceOptions): Presence {
  return {
    async announce(workerId) {
      const stopping = new AbortController()
      let connection = await hold(workerId)

      async function hold(id: string): Promise<pg.Client> {
        const client = new pg.Client({
          connectionString: databaseUrl,
          application_name: 'agent-runtime presence',
          connectionTimeoutMillis: 10_000,
          keepAlive: true,
        })
        client.on('error', (error) =>
          log.warn({ err: error }, "the connection that shows this worker's presence broke"),
        )
        await client.connect()
        await client.query('SELECT pg_advisory_lock_shared($1, hashtext($2))', [LOCK_CLASS, id])
        client.once('end', () => void holdAgain(id))
        return client
      }

      async function holdAgain(id: string): Promise<void> {
        for (let delayMs = RECONNECT_MIN_MS; !stopping.signal.aborted; delayMs *= 2) {
          try {
            connection = await hold(id)
            // Stopped while connecting.
            if (stopping.signal.aborted) await connection.end()
            return
          } catch (error) {
            log.warn({ err: error }, 'showing presence again failed; the lease holds meanwhile')
            await clock.sleep(Math.min(delayMs, RECONNECT_MAX_MS), stopping.signal)
          }
        }
      }

      return async () => {
        stopping.abort()
        await connection.end()
      }
    },
  }
}

/** SQL that is true for a worker id (an expression) whose lock nobody holds. */
export function isAbsent(workerId: string): string {
  return `NOT EXISTS (
    SELECT FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.classid = ${LOCK_CLASS}
      AND l.objid = (hashtext(${workerId})::bigint & 4294967295)::oid
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.granted)`
}

/** SQL that counts the workers that are there. */
export const PRESENT_WORKERS: string = `
  SELECT count(DISTINCT l.objid)::int AS present
  FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.classid = ${LOCK_CLASS}
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.granted`
