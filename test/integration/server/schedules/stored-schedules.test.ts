// Schedules that callers make at run time.
import { describe, expect, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { AgentRuntimeError, defineAgent, ownersOnly } from '../../../../server/index.ts'
import type { Authenticate } from '../../../../server/index.ts'
import { createWorkspace, runCli, serverModule } from '../../../support/cli.ts'
import { test } from '../../../support/runtime.ts'
import type { Sql } from '../../../support/runtime.ts'

const digest = defineAgent({
  key: 'digest',
  params: z.object({ topic: z.string() }),
  run: async (ctx) => ({ output: { topic: ctx.params.topic, owner: ctx.principal.id } }),
})
const plain = defineAgent({ key: 'plain', run: async () => ({ output: 'done' }) })
const authenticate: Authenticate = ({ headers }) => {
  const id = headers.get('x-user')
  return id === null ? null : { id, tenantId: 'acme', kind: 'user', claims: { isKnown: true } }
}
const ADA = { 'x-user': 'ada' }
const options = { agents: [digest, plain], authenticate } as const
const POLL = { timeout: 20_000, interval: 50 }
const asked = { agent_key: 'plain', every_seconds: 3_600 }
const id = (body: Record<string, unknown>) => String(body['id'])

/** As if its time had come so long ago. */
const makeDue = (sql: Sql, secondsAgo = 0, ids?: string[]) =>
  sql(
    `UPDATE agent_runtime.schedule SET created_at = date_trunc('second', now()) - make_interval(hours => 1, secs => $1),
       next_at = date_trunc('second', now()) - make_interval(secs => $1)
     WHERE $2::uuid[] IS NULL OR id = ANY ($2)`,
    [secondsAgo, ids ?? null],
  )
const runsOf = (sql: Sql) =>
  sql<{ id: string; schedule: { id: string; at: string }; owner_id: string }>(
    `SELECT id, metadata -> 'schedule' AS schedule, owner_id FROM agent_runtime.run ORDER BY id`,
  )

test('is made, told, paused, resumed and deleted over REST', async ({ createServer }) => {
  const { rest } = (await createServer({ ...options, worker: false })).as(ADA)
  const created = await rest.post('schedules', {
    name: 'Morning news',
    agent_key: 'digest',
    cron: '0 8 * * 1-5',
    time_zone: 'Europe/Lisbon',
    params: { topic: 'news' },
    messages: [{ role: 'user', content: 'What is new?' }],
    metadata: { source: 'web' },
  })
  expect(created).toMatchObject({
    status: 201,
    body: {
      name: 'Morning news',
      agent_key: 'digest',
      owner: { id: 'ada', tenant_id: 'acme', kind: 'user' },
      cron: '0 8 * * 1-5',
      every_seconds: null,
      time_zone: 'Europe/Lisbon',
      params: { topic: 'news' },
      messages: [{ role: 'user', content: 'What is new?' }],
      metadata: { source: 'web' },
      paused_at: null,
      next_at: expect.stringMatching(/T0[78]:00:00.000Z$/) as string,
      last_at: null,
    },
  })
  const path = `schedules/${id(created.body)}`
  expect((await rest.get(path)).body).toEqual(created.body)
  expect((await rest.get('schedules?agent_key=digest')).body).toMatchObject({
    count: 1,
    results: [created.body],
  })
  expect((await rest.get('schedules?agent_key=plain')).body).toMatchObject({ count: 0, results: [] })
  const paused = await rest.post(`${path}/pause`)
  expect(paused.body).toMatchObject({ paused_at: expect.any(String) as string, next_at: null })
  // Once more changes nothing.
  expect((await rest.post(`${path}/pause`)).body['paused_at']).toBe(paused.body['paused_at'])
  const resumed = await rest.post(`${path}/resume`)
  expect(resumed.body).toMatchObject({ paused_at: null, next_at: created.body['next_at'] })
  expect(await rest.request('DELETE', path)).toMatchObject({ status: 204 })
  for (const gone of [
    rest.get(path),
    rest.post(`${path}/pause`),
    rest.post(`${path}/run`),
    rest.request('DELETE', path),
  ])
    expect((await gone).status).toBe(404)
})

describe('an occurrence', () => {
  test('is one run of its owner, whatever number of processes look', async ({ createServer, database }) => {
    const servers = await Promise.all(
      [true, true, false, false].map((worker) => createServer({ ...options, worker })),
    )
    await Promise.all(servers.map(({ runtime }) => runtime.start()))
    const { rest } = servers[0]!.as(ADA)
    const ids: string[] = []
    for (let index = 0; index < 30; index += 1) {
      const { body } = await rest.post('schedules', {
        ...asked,
        agent_key: 'digest',
        params: { topic: `${index}` },
      })
      ids.push(id(body))
    }
    await makeDue(database.sql)
    await expect.poll(async () => (await runsOf(database.sql)).length, POLL).toBe(30)
    const runs = await runsOf(database.sql)
    expect(runs.map(({ schedule }) => schedule.id).toSorted()).toEqual(ids.toSorted())
    expect(runs.every(({ owner_id }) => owner_id === 'ada')).toBe(true)
    const read = async (of: string) => (await rest.get(`schedules/${of}`)).body
    const [run] = runs
    await expect
      .poll(() => read(run!.schedule.id), POLL)
      .toMatchObject({ last_run_id: run!.id, last_error: null })
    const { last_at, next_at } = await read(run!.schedule.id)
    expect(last_at).toBe(run!.schedule.at)
    expect(Date.parse(String(next_at)) - Date.parse(String(last_at))).toBe(3_600_000)
    await vi.waitFor(async () =>
      expect((await rest.get(`runs/${run!.id}`)).body).toMatchObject({
        status: 'succeeded',
        output: { final_output: { owner: 'ada' } },
      }),
    )
  })

  test('of a process that died with it is created by another, once', async ({ createServer, database }) => {
    const { as, runtime } = await createServer({ ...options, worker: false })
    const { rest } = as(ADA)
    const { body } = await rest.post('schedules', asked)
    await runtime.stop()
    await makeDue(database.sql)
    // It had created the run, and not noted so. Its lease is over.
    const first = await createServer({ ...options, worker: false })
    await first.runtime.start()
    await expect.poll(async () => (await runsOf(database.sql)).length, POLL).toBe(1)
    await expect
      .poll(async () => (await first.as(ADA).rest.get(`schedules/${id(body)}`)).body['last_run_id'], POLL)
      .not.toBeNull()
    await first.runtime.stop()
    await database.sql(
      `UPDATE agent_runtime.schedule SET next_at = last_at, taken_until = now() - interval '1 second',
         last_at = NULL, last_run_id = NULL`,
    )
    const second = await createServer({ ...options, worker: false })
    const [run] = await runsOf(database.sql)
    await expect
      .poll(async () => (await second.as(ADA).rest.get(`schedules/${id(body)}`)).body, POLL)
      .toMatchObject({ last_run_id: run!.id })
    expect(await runsOf(database.sql)).toHaveLength(1)
  })

  test('that was missed is made up for within the hour, the last of several', async ({
    createServer,
    database,
  }) => {
    const { as } = await createServer({ ...options, worker: false })
    const { rest } = as(ADA)
    const often = await rest.post('schedules', { agent_key: 'plain', every_seconds: 60 })
    const late = await rest.post('schedules', { agent_key: 'plain', every_seconds: 86_400 })
    await makeDue(database.sql, 600, [id(often.body)])
    await makeDue(database.sql, 7_200, [id(late.body)])
    const read = async (of: typeof late) => (await rest.get(`schedules/${id(of.body)}`)).body
    await expect
      .poll(async () => Date.parse(String((await read(late))['next_at'])) > Date.now(), POLL)
      .toBe(true)
    await expect.poll(async () => (await read(often))['last_run_id'], POLL).not.toBeNull()
    expect(await runsOf(database.sql)).toHaveLength(1)
    const [run] = await runsOf(database.sql)
    expect(Date.now() - Date.parse(run?.schedule.at ?? '')).toBeLessThan(120_000)
    expect(await read(late)).toMatchObject({ last_run_id: null, last_error: null })
  })

  test('of one that is paused, or deleted, is none', async ({ createServer, database }) => {
    const { as } = await createServer({ ...options, worker: false })
    const { rest } = as(ADA)
    const [paused, deleted, kept] = await Promise.all([0, 1, 2].map(() => rest.post('schedules', asked)))
    await rest.post(`schedules/${id(paused!.body)}/pause`)
    await rest.request('DELETE', `schedules/${id(deleted!.body)}`)
    await database.sql(`UPDATE agent_runtime.schedule SET next_at = now() WHERE paused_at IS NULL`)
    await expect.poll(async () => (await runsOf(database.sql)).length, POLL).toBe(1)
    expect((await runsOf(database.sql))[0]?.schedule.id).toBe(id(kept!.body))
  })

  test('that is refused says why, and is followed by the next', async ({ createServer, database }) => {
    let isFull = true
    const { as } = await createServer({
      ...options,
      worker: false,
      quota: () => (isFull ? { retryAfterSeconds: 60, message: 'Not today.' } : true),
    })
    const { rest } = as(ADA)
    const { body } = await rest.post('schedules', asked)
    const read = async () => (await rest.get(`schedules/${id(body)}`)).body
    await makeDue(database.sql)
    await expect.poll(read, POLL).toMatchObject({ last_error: 'Not today.', last_run_id: null })
    expect(await runsOf(database.sql)).toEqual([])
    isFull = false
    await makeDue(database.sql)
    await expect
      .poll(read, POLL)
      .toMatchObject({ last_error: null, last_run_id: expect.any(String) as string })
  })

  test('is asked about without claims, as nobody is there', async ({ createServer, database }) => {
    const questions: unknown[] = []
    const { as } = await createServer({
      ...options,
      worker: false,
      authorize(...question) {
        const [principal, action, resource] = question
        if (action === 'create') questions.push([resource.kind, principal.claims])
        return ownersOnly(...question)
      },
    })
    await as(ADA).rest.post('schedules', asked)
    await makeDue(database.sql)
    await expect.poll(async () => (await runsOf(database.sql)).length, POLL).toBe(1)
    const claims = { isKnown: true }
    expect(questions).toEqual([
      ['schedule', claims],
      ['run', claims],
      ['run', undefined],
    ])
  })
})

test('a run of it is created when somebody says so, also while it is paused', async ({
  createServer,
  database,
}) => {
  const { as } = await createServer({ ...options, worker: false })
  const { rest, trpc } = as(ADA)
  const schedule = await trpc.client.schedules.create.mutate({ agentKey: 'plain', everySeconds: 60 })
  await rest.post(`schedules/${schedule.id}/pause`)
  const run = await rest.post(`schedules/${schedule.id}/run`)
  expect(run).toMatchObject({ status: 201, body: { metadata: { schedule: { id: schedule.id } } } })
  expect(await trpc.client.schedules.runNow.mutate({ scheduleId: schedule.id })).toMatchObject({
    status: 'queued',
  })
  expect(await runsOf(database.sql)).toHaveLength(2)
})

test('a run of it is answered also to whom may not read it, with what went in', async ({ createServer }) => {
  const { as } = await createServer({
    ...options,
    worker: false,
    authorize(...question) {
      const [principal, action, resource] = question
      if (principal.id !== 'keeper') return ownersOnly(...question)
      if (action === 'read') return resource.kind === 'schedule' ? 'tenant' : 'own'
      return action === 'update'
    },
  })
  const messages = [{ role: 'user', content: 'What is new?' }]
  const schedule = await as(ADA).rest.post('schedules', { ...asked, messages })
  const { rest } = as({ 'x-user': 'keeper' })
  const run = await rest.post(`schedules/${id(schedule.body)}/run`)
  expect(run).toMatchObject({ status: 201, body: { input: { messages }, owner: { id: 'ada' } } })
  expect((await rest.get(`runs/${id(run.body)}`)).status).toBe(404)
  expect((await as(ADA).rest.get(`runs/${id(run.body)}`)).body).toMatchObject(run.body)
})

describe('is refused', () => {
  test.for<[what: string, body: Record<string, unknown>, status: number, error?: RegExp]>([
    ['without times', { agent_key: 'plain' }, 400, /either/],
    ['with both kinds of times', { ...asked, cron: '0 8 * * *' }, 400, /either/],
    ['with a cron expression that is none', { agent_key: 'plain', cron: 'often' }, 400, /five fields/],
    ['with a time that never comes', { agent_key: 'plain', cron: '0 0 30 2 *' }, 400, /day of month/],
    ['each second', { agent_key: 'plain', cron: '* * * * * *' }, 400, /once in 60 seconds/],
    ['at two seconds of a minute', { agent_key: 'plain', cron: '0,30 0 8 1 1 *' }, 400, /once in 60 seconds/],
    ['each second by its interval', { agent_key: 'plain', every_seconds: 1 }, 400, /once in 60 seconds/],
    ['with an interval of another kind', { agent_key: 'plain', every_seconds: '60' }, 400],
    [
      'with a time zone that is none',
      { agent_key: 'plain', cron: '0 8 * * *', time_zone: 'Mars' },
      400,
      /Mars/,
    ],
    ['of an agent that is none', { agent_key: 'nobody', every_seconds: 60 }, 400, /no agent/],
    ['with params that do not fit', { agent_key: 'digest', every_seconds: 60 }, 400, /params/],
    ['with a message that is none', { ...asked, messages: [{ role: 'nobody' }] }, 400],
    ['with text that the database can not keep', { ...asked, metadata: { a: '\0' } }, 400],
    [
      'with an uploaded file',
      {
        ...asked,
        messages: [
          {
            role: 'user',
            content: [{ type: 'file', file: { file_id: '01a208e9-7b1c-7d2e-9c4f-2f1a3b4c5d6e' } }],
          },
        ],
      },
      400,
      /uploaded files/,
    ],
  ])('%s', async ([, body, status, error = /./], { createServer, database }) => {
    const { as } = await createServer({ ...options, worker: false })
    expect(await as(ADA).rest.post('schedules', body)).toMatchObject({
      status,
      body: { error: expect.stringMatching(error) as string },
    })
    expect(await database.sql('SELECT FROM agent_runtime.schedule')).toEqual([])
  })

  test('with times of which two are close, also in between those', async ({ createServer }) => {
    const { as } = await createServer({ ...options, worker: false, config: { minScheduleSeconds: 3_600 } })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2030-05-01T09:05:00Z') })
    onTestFinished(() => void vi.useRealTimers())
    const create = (cron: string) => as(ADA).rest.post('schedules', { agent_key: 'plain', cron })
    for (const cron of ['0,10 9 * * *', '0,10 9 1 * *', '50,55 7-10 * * *'])
      expect(await create(cron)).toMatchObject({
        status: 400,
        body: { error: expect.stringMatching(/3600 seconds/) as string },
      })
    expect((await create('10 9,10 * * *')).status).toBe(201)
  })

  test('where one has as many as one may, also when asked at once', async ({ createServer }) => {
    const config = { schedulesPerPrincipal: 3 }
    const servers = await Promise.all([0, 1].map(() => createServer({ ...options, worker: false, config })))
    const answers = await Promise.all(
      [0, 1, 2, 3, 4, 5, 6, 7].map((n) => servers[n % 2]!.as(ADA).rest.post('schedules', asked)),
    )
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b)
    expect(statuses).toEqual([201, 201, 201, 429, 429, 429, 429, 429])
    expect((await servers[0]!.as({ 'x-user': 'bob' }).rest.post('schedules', asked)).status).toBe(201)
  })

  test('to a visitor', async ({ createServer }) => {
    const { rest, as } = await createServer({ agents: [plain], worker: false, anonymousSessions: true })
    const { body } = await rest.post('sessions/anonymous')
    const visitor = as({ 'x-anonymous-token': String(body['token']) }).rest
    expect(await visitor.post('schedules', asked)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  })
})

test('all of an owner goes with them, and an application without it keeps its own', async ({
  createServer,
  database,
}) => {
  const { as, runtime } = await createServer({ ...options, worker: false })
  await as(ADA).rest.post('schedules', asked)
  const kept = await as({ 'x-user': 'bob' }).rest.post('schedules', asked)
  expect(await runtime.erase({ id: 'ada', tenantId: 'acme', kind: 'user' })).toMatchObject({ schedules: 1 })
  expect(await runtime.erase({ id: 'ada', tenantId: 'acme', kind: 'user' })).toMatchObject({ schedules: 0 })
  // Another deployment publishes what its code has, which is nothing.
  const other = await createServer({ agents: [plain], worker: false })
  await other.runtime.start()
  expect(await database.sql('SELECT id FROM agent_runtime.schedule')).toEqual([{ id: id(kept.body) }])
})

test('what can not be told now is tried again, and loses no occurrence', async ({
  createServer,
  database,
}) => {
  let isAway = true
  const { as } = await createServer({
    ...options,
    worker: false,
    quota() {
      if (isAway) throw new AgentRuntimeError('unavailable', 'Away.')
      return true
    },
  })
  const { body } = await as(ADA).rest.post('schedules', asked)
  await makeDue(database.sql)
  const taken = 'SELECT taken_until IS NOT NULL AS taken, last_error FROM agent_runtime.schedule'
  await expect.poll(() => database.sql(taken), POLL).toEqual([{ taken: true, last_error: null }])
  isAway = false
  // As it is a minute later.
  await database.sql(`UPDATE agent_runtime.schedule SET taken_until = now()`)
  await expect
    .poll(async () => (await as(ADA).rest.get(`schedules/${id(body)}`)).body['last_run_id'], POLL)
    .not.toBeNull()
})

// Two processes start, and a busy machine takes its time for that.
test(
  'a process that is killed takes no occurrence with it',
  { timeout: 120_000 },
  async ({ database, createServer }) => {
    await using folder = await createWorkspace()
    await folder.write(
      'runtime.ts',
      `import { createAgentRuntime, defineAgent } from '${serverModule}'
    export default createAgentRuntime({ agents: [defineAgent({ key: 'plain', run: async () => {} })] })`,
    )
    const settings = { cwd: folder.path, env: { DATABASE_URL: database.url } }
    await using first = runCli(['worker', 'runtime.ts'], settings)
    await using second = runCli(['worker', 'runtime.ts'], settings)
    await Promise.all([first.printed(/Working on runs/), second.printed(/Working on runs/)])
    const { rest } = await createServer({ agents: [plain], worker: false })
    for (let index = 0; index < 40; index += 1) await rest.post('schedules', asked)
    await makeDue(database.sql)
    first.kill('SIGKILL')
    await first.exited
    await expect
      .poll(
        async () => {
          // As it is a minute later: what the dead had taken is free again.
          await database.sql(`UPDATE agent_runtime.schedule SET taken_until = now() WHERE next_at <= now()`)
          return (await database.sql('SELECT FROM agent_runtime.schedule WHERE last_run_id IS NULL')).length
        },
        { ...POLL, timeout: 60_000 },
      )
      .toBe(0)
    const runs = await runsOf(database.sql)
    expect([runs.length, new Set(runs.map(({ schedule }) => schedule.id)).size]).toEqual([40, 40])
    second.kill('SIGTERM')
    await second.exited
  },
)
