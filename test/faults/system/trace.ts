// What tested agents record outside of the runtime's own tables, for the oracle to compare with.
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

export const TRACE_TABLE = `
  CREATE SCHEMA faults;
  CREATE TABLE faults.trace (
    run_id uuid NOT NULL, attempt int NOT NULL, kind text NOT NULL,
    name text NOT NULL DEFAULT '', occurrence int NOT NULL DEFAULT 0,
    pid int NOT NULL, owner text,
    begun_at timestamptz NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())`

export interface Trace {
  runId: string
  attempt: number
  kind: 'started' | 'step' | 'over'
  name?: string
  occurrence?: number
}

const RETRY_MS = 50

/** Uses its own connections to PostgreSQL, so that faults of the runtime's connections do not affect it. */
export function createTracer(url: string): (trace: Trace) => Promise<void> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    // Faults spare connections with this name.
    application_name: 'faults trace',
    allowExitOnIdle: true,
  })
  // A restart of PostgreSQL breaks it; the next use creates another.
  pool.on('error', () => {})
  return async ({ runId, attempt, kind, name = '', occurrence = 0 }) => {
    // The machine's clock, not the process': `Date` may be shifted here.
    const begunAt = performance.timeOrigin + performance.now()
    const values = [runId, attempt, kind, name, occurrence, process.pid, begunAt / 1000]
    for (;;) {
      try {
        await pool.query(
          `INSERT INTO faults.trace (run_id, attempt, kind, name, occurrence, pid, begun_at, owner)
           VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7),
             (SELECT lease_owner FROM agent_runtime.run WHERE id = $1 AND attempt = $2))`,
          values,
        )
        return
      } catch {
        // PostgreSQL is away, which a scenario may want. The record must not be lost.
        await sleep(RETRY_MS)
      }
    }
  }
}
