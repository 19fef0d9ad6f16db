import pg from 'pg'
import { expect, vi } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => {} })

/** One tenant has the oldest runs, another all the rest, and the planner knows that. */
const RUNS = `
  INSERT INTO agent_runtime.run
    (id, tenant_id, owner_id, agent_key, status, max_attempts, timeout_ms, created_at, finished_at)
  SELECT ('01a20000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,
    CASE WHEN i <= 2000 THEN 'idle' ELSE 'busy' END, 'owner ' || i % 100, 'agent', 'succeeded', 1, 1000, now(), now()
  FROM generate_series(1, 22000) AS i`

interface Plan {
  'Rows Removed by Filter'?: number
  Plans?: Plan[]
}

const removed = ({ Plans = [], ...plan }: Plan): number =>
  (plan['Rows Removed by Filter'] ?? 0) + Plans.reduce((sum, part) => sum + removed(part), 0)

test('the list of a tenant that has been idle reads no runs of others', async ({
  createServer,
  database,
}) => {
  const { rest } = await createServer({
    agents: [agent],
    worker: false,
    authenticate: () => ({ id: 'approver', tenantId: 'idle', kind: 'user' }),
    authorize: () => 'tenant',
  })
  await rest.get('runs')
  await database.sql(RUNS)
  await database.sql('VACUUM ANALYZE agent_runtime.run')
  using queried = vi.spyOn(pg.Client.prototype, 'query')
  const { body } = await rest.get('runs?scope=tenant&limit=1')
  expect(body).toMatchObject({
    count: 2000,
    results: [{ owner: { tenant_id: 'idle' } }],
  })
  const asked = queried.mock.calls
    .map(([statement]) => statement as unknown as { name?: string; text: string; values: unknown[] })
    .find(({ name }) => name?.startsWith('list_run') === true)
  const explain = `EXPLAIN (ANALYZE, FORMAT JSON) ${asked?.text}`
  const [row] = await database.sql<{ 'QUERY PLAN': [{ Plan: Plan }] }>(explain, asked?.values)
  expect(removed(row?.['QUERY PLAN'][0].Plan ?? {})).toBe(0)
  // They never ran.
  await database.sql('TRUNCATE agent_runtime.run CASCADE')
})
