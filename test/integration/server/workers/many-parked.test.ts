import { expect } from 'vitest'
import { newRun } from '../../../support/new-run.ts'
import { createTestPool } from '../../../support/pool.ts'
import { test } from '../../../support/runtime.ts'
import { createTestStore } from '../../../support/store.ts'

const ADA = { id: 'ada', tenantId: 'acme', kind: 'user' } as const
const NONE = { principal: null, tenantId: null }

// If the planner believes that many rows match, it may read the whole table for each run that ends.
test('parked runs are counted and let in by their indexes, however many there are', async ({ database }) => {
  const pool = createTestPool(database.url, { max: 1 })
  const limits = { principal: 8_000, tenant: 8_100 }
  const store = createTestStore(pool, 'user', undefined, limits)
  await database.sql(
    `INSERT INTO agent_runtime.run (id, tenant_id, owner_id, agent_key, max_attempts, timeout_ms, gate, status, finished_at)
     SELECT gen_random_uuid(), 'acme', 'ada', 'a', 1, 1000,
       CASE WHEN n <= 7990 THEN 'passed' WHEN n <= 16000 THEN 'principal' ELSE 'passed' END::agent_runtime.run_gate,
       CASE WHEN n <= 16000 THEN 'queued' ELSE 'succeeded' END::agent_runtime.run_status,
       CASE WHEN n > 16000 THEN now() END
     FROM generate_series(1, 24000) AS n`,
  )
  await database.sql('ANALYZE agent_runtime.run')
  const readScans = async () => {
    await pool.query('SELECT pg_stat_force_next_flush()')
    const [row] = await database.sql<{ scans: number }>(
      `SELECT seq_scan::int AS scans FROM pg_stat_user_tables
       WHERE schemaname = 'agent_runtime' AND relname = 'run'`,
    )
    return row?.scans
  }
  const passed = async () => {
    const [row] = await database.sql<{ passed: number }>(
      `SELECT count(*)::int AS passed FROM agent_runtime.run WHERE gate = 'passed' AND status = 'queued'`,
    )
    return row?.passed
  }
  const scansFor = async (work: () => Promise<unknown>) => {
    const before = await readScans()
    // From the sixth execution on, a named statement is planned for any values.
    for (let time = 0; time < 8; time += 1) await work()
    return ((await readScans()) ?? NaN) - (before ?? NaN)
  }
  expect(await scansFor(() => store.letIn([ADA]))).toBe(0)
  expect(await passed()).toBe(8_000)
  expect(await scansFor(() => store.createRuns([newRun({ principal: ADA, isLimited: true })]))).toBe(0)
  expect(await passed()).toBe(8_000)
  expect(await scansFor(() => store.letInParked(NONE))).toBe(0)
  expect(await scansFor(() => store.findUpkeep(0))).toBe(0)
  await store.close()
  await pool.end()
  await database.sql('TRUNCATE agent_runtime.run CASCADE')
})
