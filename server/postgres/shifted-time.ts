// Lets a test move the database's time forward. Statements call `now()` without its schema, so this function is found
// before PostgreSQL's own. pg-boss has its own function for the time, which is replaced by one that calls this.
import type pg from 'pg'
import { sessionSettings } from './connections/session-settings.ts'
import { execute } from './connections/transaction.ts'
import { QUEUE_SCHEMA } from './queue/queue.ts'

const INSTALL = `
  CREATE SCHEMA IF NOT EXISTS test_time;
  CREATE TABLE IF NOT EXISTS test_time.shift (ahead interval NOT NULL);
  INSERT INTO test_time.shift SELECT interval '0' WHERE NOT EXISTS (SELECT FROM test_time.shift);
  CREATE OR REPLACE FUNCTION test_time.now() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT pg_catalog.now() + ahead FROM test_time.shift';
  CREATE OR REPLACE FUNCTION ${QUEUE_SCHEMA}.job_now() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT test_time.now()'`

/** The settings of sessions that use the shifted time. */
export const SHIFTED_SESSION = sessionSettings({}, 'test_time, pg_catalog')

/** @returns by how many milliseconds the database's time is already ahead */
export async function installShiftedTime(pool: pg.Pool): Promise<number> {
  await pool.query(INSTALL)
  const [row] = await execute<{ ahead: number }>(
    pool,
    {
      name: 'test_time_ahead',
      text: `SELECT (extract(epoch FROM ahead) * 1000)::float8 AS ahead FROM test_time.shift`,
    },
    [],
  )
  return row?.ahead ?? 0
}

/** Moves time forward. Runs under way keep their leases, since no worker failed to renew them. */
export async function shiftTime(pool: pg.Pool, ms: number): Promise<void> {
  await execute(
    pool,
    {
      name: 'test_time_shift',
      text: `
        WITH moved AS (UPDATE test_time.shift SET ahead = ahead + $1 * interval '1 millisecond')
        UPDATE agent_runtime.run SET lease_expires_at = lease_expires_at + $1 * interval '1 millisecond'
        WHERE lease_expires_at IS NOT NULL`,
    },
    [ms],
  )
}

/** Whether every run that waited for a time that has come has begun. */
export async function hasBegunWhatIsDue(pool: pg.Pool): Promise<boolean> {
  const [row] = await execute<{ due: boolean }>(
    pool,
    {
      name: 'test_time_due',
      text: `
      SELECT EXISTS (
        SELECT FROM agent_runtime.run
        WHERE run_at <= pg_catalog.now() + (SELECT ahead FROM test_time.shift)
          AND (status = 'waiting' OR (status = 'queued' AND turn IS NULL AND (gate IS NULL OR gate = 'passed')))
      ) AS due`,
    },
    [],
  )
  return row?.due === false
}
