// Processes that die while detached runs end and conversations are told of it.
import { expect, vi } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { serverModule } from '../../../support/cli.ts'
import { brokenWhenQuiet } from '../../../support/check-invariants.ts'
import { startMortalWorkers } from '../../../support/mortal-workers.ts'
import { test } from '../../../support/runtime.ts'

vi.setConfig({ testTimeout: 300_000 })

const CONVERSATIONS = 10
/** Jobs of each conversation's first run. */
const JOBS = 4

const ENTRY = `
import { createAgentRuntime, defineAgent } from '${serverModule}'
const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const job = defineAgent({
  key: 'job',
  maxAttempts: 100,
  async run(ctx) {
    await ctx.step('work', () => soon(20 * ctx.params))
    return { output: ctx.params }
  },
})
const chat = defineAgent({
  key: 'chat',
  maxAttempts: 100,
  async run(ctx) {
    if (ctx.messages.length > 1) return
    for (let n = 0; n < ${JOBS}; n += 1) await ctx.startAgent(job, { params: n, onEnd: 'continue' })
    // Some jobs end before this run does.
    await soon(30)
  },
})
export default createAgentRuntime({ agents: [job, chat], config: { concurrency: 8 } })
`

test('workers that are killed in the middle tell each end to its conversation, and none twice', async ({
  createServer,
  database,
}) => {
  await using workers = await startMortalWorkers(ENTRY, { databaseUrl: database.url })
  const agents = ['job', 'chat'].map((key) => defineAgent({ key, maxAttempts: 100, async run() {} }))
  const servers = [
    await createServer({ agents, worker: false }),
    await createServer({ agents, worker: false }),
  ] as const
  const place = { conversation: 'new', messages: [{ role: 'user', content: 'Go.' }] }
  const parents = await Promise.all(
    Array.from({ length: CONVERSATIONS }, (_, n) => servers[n % 2 === 0 ? 0 : 1].rest.create('chat', place)),
  )
  const counting = async (text: string) => (await database.sql<{ count: number }>(text))[0]?.count ?? 0
  const over = () =>
    counting(
      `SELECT count(*)::int FROM agent_runtime.run WHERE agent_key = 'job' AND finished_at IS NOT NULL`,
    )
  await workers.killAt(
    [0.1, 0.5, 0.9].map((part) => part * CONVERSATIONS * JOBS),
    over,
  )
  const open = `
    SELECT id FROM agent_runtime.run WHERE finished_at IS NULL
    UNION ALL SELECT id FROM agent_runtime.family_news
    UNION ALL SELECT run_id FROM agent_runtime.sent_message WHERE left_at IS NOT NULL`
  await expect.poll(() => database.sql(open), { timeout: 120_000 }).toEqual([])
  const jobs = await database.sql<{ id: string; parent: string }>(
    `SELECT id, parent_run_id AS parent FROM agent_runtime.run WHERE agent_key = 'job' ORDER BY id`,
  )
  expect(jobs).toHaveLength(parents.length * JOBS)
  const told = await database.sql(`
    SELECT (split_part(m.body ->> 'content', E'\\n', 2))::jsonb ->> 'runId' AS id, r.parent_run_id AS parent
    FROM agent_runtime.run r JOIN agent_runtime.message m ON m.run_id = r.id
    WHERE r.agent_key = 'chat' AND r.parent_run_id IS NOT NULL ORDER BY 1`)
  expect(told).toEqual(jobs)
  expect(await database.sql(`SELECT FROM agent_runtime.run WHERE status <> 'succeeded'`)).toEqual([])
  expect(await brokenWhenQuiet({ query: async (text) => ({ rows: await database.sql(text) }) })).toEqual({})
})
