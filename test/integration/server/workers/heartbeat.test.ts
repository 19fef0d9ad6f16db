import pg from 'pg'
import { expect } from 'vitest'
import { createTestStore } from '../../../support/store.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'

test('a run that is under way beats with its lease; who reads all hears it, compaction takes it', async ({
  createServer,
  database,
}) => {
  const held = createHeldAgent()
  const { rest } = await createServer({ agents: [held.agent], config: { leaseTtlSeconds: 10 } })
  const ids = [await rest.create('held'), await rest.create('held')]
  const beats = () =>
    database.sql<{ run_id: string; payload: unknown }>(
      `SELECT DISTINCT run_id, payload FROM agent_runtime.event WHERE type = 'run.heartbeat' ORDER BY run_id`,
    )
  await expect.poll(beats).toEqual(ids.map((run_id) => ({ run_id, payload: {} })))
  held.release()
  for (const id of ids) {
    const all = await rest.events(`runs/${id}/events?include_all=1`)
    expect([...new Set(all.map(({ type }) => type))]).toEqual([
      'run.started',
      'run.heartbeat',
      'run.succeeded',
    ])
    const shown = await rest.events(`runs/${id}/events`)
    expect(shown.map(({ type }) => type)).not.toContain('run.heartbeat')
  }

  const pool = new pg.Pool({ connectionString: database.url, application_name: 'test' })
  const store = createTestStore(pool)
  expect((await store.compactRuns(0)).rows).toBeGreaterThanOrEqual(2)
  await pool.end()
  expect(await beats()).toEqual([])
  const left = await rest.events(`runs/${ids[0]}/events?include_all=1`)
  expect(left.map(({ type }) => type)).toEqual(['run.started', 'run.succeeded'])
})
