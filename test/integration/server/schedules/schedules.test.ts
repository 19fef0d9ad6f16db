import { expect, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { createWorkspace, runCli, serverModule } from '../../../support/cli.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'

const SCHEDULES = `
  SELECT name, key, cron, timezone FROM agent_runtime_queue.schedule ORDER BY name, key`
const RUNS = `
  SELECT id, metadata -> 'schedule' ->> 'at' AS at, status FROM agent_runtime.run ORDER BY id`

const everySecond = defineAgent({
  key: 'ticking',
  params: z.object({ topic: z.string(), depth: z.number().default(2) }),
  schedules: [{ name: 'tick', cron: '* * * * * *', params: { topic: 'time' } }],
  run: async (ctx) => ({ output: { ...ctx.params, kind: ctx.principal.kind } }),
})

test('an occurrence is one run, however many processes look', async ({ createServer, database }) => {
  const servers = await Promise.all(
    [true, false, false].map((worker) => createServer({ agents: [everySecond], worker })),
  )
  await Promise.all(servers.map(({ runtime }) => runtime.start()))
  const runs = await vi.waitFor(
    async () => {
      const rows = await database.sql<{ id: string; at: string; status: string }>(RUNS)
      expect(rows.filter(({ status }) => status === 'succeeded').length).toBeGreaterThan(2)
      return rows
    },
    { interval: 100 },
  )
  expect(new Set(runs.map(({ at }) => at)).size).toBe(runs.length)
  // It belongs to everybody if nobody has to sign in.
  const { body } = await servers[1]!.rest.get(`runs/${runs[0]?.id}`)
  expect(body).toMatchObject({
    agent_key: 'ticking',
    output: { final_output: { topic: 'time', depth: 2, kind: 'public' } },
    metadata: { schedule: { name: 'tick', at: runs[0]?.at } },
  })
})

test('a run belongs to the principal of its schedule', async ({ createServer, database }) => {
  const { agent } = createHeldAgent({ key: 'digest' })
  const principal = { id: 'u1', tenantId: 't1', kind: 'user' } as const
  const schedules = [{ name: 's', cron: '* * * * * *', principal }]
  const { runtime } = await createServer({ agents: [{ ...agent, schedules }], worker: false })
  await runtime.start()
  await vi.waitFor(async () => {
    const rows = await database.sql('SELECT owner_id, tenant_id, owner_kind FROM agent_runtime.run')
    expect(rows[0]).toEqual({ owner_id: 'u1', tenant_id: 't1', owner_kind: 'user' })
  })
})

test('the next process finds what a dead one had created, and makes up for the rest', async ({
  createServer,
  database,
}) => {
  // Far enough away that no other occurrence comes in between.
  const due = new Date(Date.now() - 20 * 60_000)
  const hourly = defineAgent({
    key: 'hourly',
    schedules: [{ name: 's', cron: `${due.getUTCMinutes()} * * * *` }],
    run: async () => {},
  })
  const first = await createServer({ agents: [hourly], worker: false })
  await first.runtime.start()
  await first.runtime.stop()
  expect(await database.sql(RUNS)).toEqual([])

  // As if it had been there since yesterday.
  await database.sql(`UPDATE agent_runtime_queue.schedule SET updated_on = now() - interval '1 day'`)
  for (const _process of [1, 2]) {
    const { runtime } = await createServer({ agents: [hourly], worker: false })
    await runtime.start()
    await vi.waitFor(async () => expect(await database.sql(RUNS)).toHaveLength(1))
    await runtime.stop()
  }
  expect(await database.sql(RUNS)).toMatchObject([{ at: `${due.toISOString().slice(0, 16)}:00.000Z` }])
})

test('pg-boss knows the schedules this deployment has, and keeps those of agents it does not know', async ({
  createServer,
  database,
}) => {
  const withSchedules = (key: string, ...names: string[]) =>
    defineAgent({
      key,
      schedules: names.map((name) => ({ name, cron: '0 8 * * *', timeZone: 'Europe/Lisbon' })),
      run: async () => {},
    })
  const start = async (...agents: ReturnType<typeof withSchedules>[]) => {
    const { runtime } = await createServer({ agents, worker: false })
    await runtime.start()
    await runtime.stop()
    return database.sql<{ name: string; key: string; cron: string; timezone: string }>(SCHEDULES)
  }
  const names = async (...agents: ReturnType<typeof withSchedules>[]) =>
    (await start(...agents)).map(({ name, key }) => `${name} ${key}`)

  expect(await start(withSchedules('a', 'x'))).toEqual([
    { name: 'schedules/a', key: 'x', cron: '0 8 * * *', timezone: 'Europe/Lisbon' },
  ])
  expect(await names(withSchedules('b', 'x', 'y'))).toEqual([
    'schedules/a x',
    'schedules/b x',
    'schedules/b y',
  ])
  expect(await names(withSchedules('a', 'z'), withSchedules('b', 'y'))).toEqual([
    'schedules/a z',
    'schedules/b y',
  ])
  const since = await database.sql('SELECT updated_on FROM agent_runtime_queue.schedule')
  expect(await names(withSchedules('a', 'z'), withSchedules('b', 'y'))).toHaveLength(2)
  expect(await database.sql('SELECT updated_on FROM agent_runtime_queue.schedule')).toEqual(since)
  expect(await names(withSchedules('a'), withSchedules('b', 'y'))).toEqual(['schedules/b y'])
})

// Two processes start, which takes time on a busy machine.
test('goes on, and repeats nothing, when a process is killed', { timeout: 120_000 }, async ({ database }) => {
  await using folder = await createWorkspace()
  await folder.write(
    'runtime.ts',
    `import { createAgentRuntime, defineAgent } from '${serverModule}'
    const schedules = [{ name: 's', cron: '* * * * * *' }]
    export default createAgentRuntime({ agents: [defineAgent({ key: 'a', schedules, run: async () => {} })] })`,
  )
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url } }
  await using first = runCli(['worker', 'runtime.ts'], options)
  await using second = runCli(['worker', 'runtime.ts'], options)
  await Promise.all([first.printed(/Working on runs/), second.printed(/Working on runs/)])
  /** Waits until an occurrence after that moment was executed. */
  const succeededAfter = async (moment: number) =>
    vi.waitFor(
      async () => {
        const runs = await database.sql<{ at: string }>(
          `SELECT * FROM (${RUNS}) AS r WHERE status = 'succeeded'`,
        )
        expect(runs.some(({ at }) => Date.parse(at) > moment)).toBe(true)
        return runs.map(({ at }) => at)
      },
      { timeout: 60_000, interval: 100 },
    )
  await succeededAfter(Date.now())
  first.kill('SIGKILL')
  await first.exited
  const occurrences = await succeededAfter(Date.now())
  expect(new Set(occurrences).size).toBe(occurrences.length)
  second.kill('SIGTERM')
  await second.exited
})

test('no caller takes the place of an occurrence', async ({ createServer, database }) => {
  const { agent } = createHeldAgent({ key: 'digest' })
  const schedules = [{ name: 's', cron: '* * * * * *' }]
  const { rest, runtime } = await createServer({ agents: [{ ...agent, schedules }], worker: false })
  const second = Math.ceil(Date.now() / 1_000) * 1_000
  for (let at = second; at < second + 5_000; at += 1_000) {
    const idempotency_key = `schedule/digest/s/${new Date(at).toISOString()}`
    expect(await rest.post('runs', { agent_key: 'digest', idempotency_key })).toMatchObject({
      status: 400,
      body: { code: 'validation_failed' },
    })
  }
  await runtime.start()
  await expect.poll(async () => (await database.sql(RUNS)).length).toBeGreaterThan(0)
})

test('no run starts before its time, though the clock of the process is ahead', async ({
  createServer,
  database,
}) => {
  const now = Date.now.bind(Date)
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + 2_000)
  onTestFinished(() => clock.mockRestore())
  await createServer({ agents: [everySecond], config: { queuePollIntervalSeconds: 0.1 } })
  const started = `SELECT extract(epoch FROM started_at - (metadata -> 'schedule' ->> 'at')::timestamptz)::float8 AS late
    FROM agent_runtime.run WHERE started_at IS NOT NULL`
  await expect.poll(async () => (await database.sql(started)).length).toBeGreaterThan(2)
  // Times are stored to the millisecond.
  for (const { late } of await database.sql<{ late: number }>(started))
    expect(late).toBeGreaterThanOrEqual(-0.001)
})
