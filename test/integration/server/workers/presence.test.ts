import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { startCuttingProxy } from '../../../support/cutting-proxy.ts'
import { test } from '../../../support/runtime.ts'

test('a worker that can’t show its presence takes nothing until it can', async ({
  createServer,
  database,
}) => {
  const url = new URL(database.url)
  await using proxy = await startCuttingProxy(Number(url.port))
  url.port = new URL(proxy.url).port
  const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })
  const config = { queuePollIntervalSeconds: 0.05, directUrl: url.href, maxAttempts: 3 }
  const { rest } = await createServer({ agents: [agent], config })
  const present = () =>
    database.sql(
      `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
       WHERE l.locktype = 'advisory' AND l.classid = 1634170731 AND d.datname = current_database()`,
    )
  await expect.poll(present).toHaveLength(1)
  proxy.refuse(true)
  proxy.cut()
  await expect.poll(present).toHaveLength(0)
  const id = await rest.create('agent')
  // Many polls, and more looks for lost workers than are needed to lose a run.
  const [moment] = await database.sql<{ until: Date }>(`SELECT now() + interval '2 seconds' AS until`)
  await expect
    .poll(() => database.sql(`SELECT FROM pg_stat_activity WHERE now() > $1 LIMIT 1`, [moment?.until]))
    .toHaveLength(1)
  expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'queued', started_at: null })
  proxy.refuse(false)
  await expect
    .poll(async () => (await rest.get(`runs/${id}`)).body)
    .toMatchObject({
      status: 'succeeded',
      attempt: 1,
    })
})
