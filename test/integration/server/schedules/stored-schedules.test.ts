// Schedules that callers create at run time.
import { describe, expect, onTestFinished, vi } from 'vitest'
import { ownersOnly } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { plain, ADA, options, asked, id, runsOf } from './stored-schedules-scene.ts'

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
  // A repetition changes nothing.
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

test('a run of it is returned, with its input, even to a caller who may not read it', async ({
  createServer,
}) => {
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
  // Another deployment publishes the schedules of its code, which has none.
  const other = await createServer({ agents: [plain], worker: false })
  await other.runtime.start()
  expect(await database.sql('SELECT id FROM agent_runtime.schedule')).toEqual([{ id: id(kept.body) }])
})
