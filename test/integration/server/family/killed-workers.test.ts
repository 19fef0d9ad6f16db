// Processes that die while runs start others, wait for them, and end.
import { expect, vi } from 'vitest'
import { serverModule } from '../../../support/cli.ts'
import { startMortalWorkers } from '../../../support/mortal-workers.ts'
import { defineAgent } from '../../../../server/index.ts'
import { brokenWhenQuiet } from '../../../support/check-invariants.ts'
import { test } from '../../../support/runtime.ts'
import { WITHIN } from './scene.ts'

vi.setConfig({ testTimeout: 300_000 })

const PARENTS = 12
const CHILDREN = 3

const ENTRY = `
import { createAgentRuntime, defineAgent } from '${serverModule}'
const leaf = defineAgent({
  key: 'leaf',
  maxAttempts: 100,
  async run(ctx) {
    await ctx.step('work', () => new Promise((resolve) => setTimeout(resolve, 30)))
    return { output: ctx.params }
  },
})
const middle = defineAgent({
  key: 'middle',
  maxAttempts: 100,
  async run(ctx) {
    return { output: (await ctx.runAgent(leaf, { params: ctx.params })).output }
  },
})
const parent = defineAgent({
  key: 'parent',
  maxAttempts: 100,
  async run(ctx) {
    const started = await ctx.startAgent(leaf, { params: 'apart' })
    const all = await Promise.all(Array.from({ length: ${CHILDREN} }, (_, n) => ctx.runAgent(middle, { params: n })))
    return { output: [...all.map(({ output }) => output), (await started.result()).output] }
  },
})
export default createAgentRuntime({ agents: [leaf, middle, parent], config: { concurrency: 8 } })
`

const keys = ['leaf', 'middle', 'parent'] as const

test('workers that are killed in the middle start no child twice, lose none, and no result', async ({
  createServer,
  database,
}) => {
  await using workers = await startMortalWorkers(ENTRY, { databaseUrl: database.url })
  const agents = keys.map((key) => defineAgent({ key, maxAttempts: 100, async run() {} }))
  const servers = [
    await createServer({ agents, worker: false }),
    await createServer({ agents, worker: false }),
  ] as const
  const ids = await Promise.all(
    Array.from({ length: PARENTS }, (_, n) => servers[n % 2 === 0 ? 0 : 1].rest.create('parent')),
  )
  const over = async () => {
    const [row] = await database.sql<{ count: number }>(
      `SELECT count(*)::int FROM agent_runtime.run WHERE parent_run_id IS NOT NULL AND finished_at IS NOT NULL`,
    )
    return row?.count ?? 0
  }
  await workers.killAt(
    [0.1, 0.35, 0.6].map((part) => part * PARENTS * (2 * CHILDREN + 1)),
    over,
  )
  for (const [n, id] of ids.entries()) {
    const { rest } = servers[n % 2 === 0 ? 1 : 0]
    expect((await rest.events(`runs/${id}/events?include_all=1`)).at(-1)).toMatchObject({
      type: 'run.succeeded',
      output: [0, 1, 2, 'apart'],
    })
  }
  const [counts] = await database.sql(
    `SELECT count(*) FILTER (WHERE depth = 1)::int AS one, count(*) FILTER (WHERE depth = 2)::int AS two,
       count(*) FILTER (WHERE status <> 'succeeded')::int AS bad
     FROM agent_runtime.run`,
  )
  expect(counts).toEqual({ one: PARENTS * (CHILDREN + 1), two: PARENTS * CHILDREN, bad: 0 })
  const told = await database.sql(
    `SELECT run_id, type, payload ->> 'childRunId' FROM agent_runtime.event WHERE type IN ('child.started', 'child.ended')
     GROUP BY 1, 2, 3 HAVING count(*) > 1`,
  )
  expect(told).toEqual([])
  await expect.poll(() => database.sql('SELECT FROM agent_runtime.family_news'), WITHIN).toEqual([])
  expect(await brokenWhenQuiet({ query: async (text) => ({ rows: await database.sql(text) }) })).toEqual({})
})
