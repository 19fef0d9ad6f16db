// Webhooks that callers give with runs and conversations: where the settings allow it, for whom, and what becomes of them.
import { lookup } from 'node:dns/promises'
import type { ServerResponse } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Authenticate, Authorize, Settings } from '../../../../server/index.ts'
import { startNameServer } from '../../../support/name-server.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'
import { secretOf, startReceiver } from '../../../support/webhook-receiver.ts'

const [SECRET, OTHER_SECRET] = [secretOf('a'), secretOf('b')]
const PRIVATE: Settings = { webhookHosts: ['127.0.0.1', 'localhost'], webhookAllowPrivate: true }
const POLL = { timeout: 20_000 }

const quick = defineAgent({ key: 'quick', run: async () => ({ output: 'done' }) })
const asking = defineAgent({
  key: 'asking',
  run: async (ctx) => ({ output: (await ctx.wait('word', z.string())).value }),
})
const agents = [quick, asking] as const

const authenticate: Authenticate = (request) => {
  const [id = 'ada', tenantId = 'acme', kind = 'user'] = (request.headers.get('authorization') ?? '').split(
    ' ',
  )
  return { id: id || 'ada', tenantId, kind: kind as 'user' }
}
const serve = (createServer: CreateServer, config: Settings = PRIVATE, more = {}) =>
  createServer({ agents, authenticate, config, ...more })

const urlOf = ({ port }: { port: number }, path = '/hooks') => `http://127.0.0.1:${port}${path}`
const resultsOf = ({ body }: { body: Record<string, unknown> }) =>
  body['results'] as Record<string, unknown>[]

test('a run tells its own, signed by its secret, over both transports', async ({ createServer }) => {
  await using receiver = await startReceiver()
  const { rest, trpc } = await serve(createServer)
  const url = urlOf(receiver)
  const overRest = await rest.create('asking', { webhooks: [{ url, secret: SECRET }] })
  const { id: overTrpc } = await trpc.client.runs.create.mutate({
    agentKey: 'quick',
    webhooks: [{ url, secret: OTHER_SECRET, events: ['run.succeeded'] }],
  })
  await rest.create('quick')
  await expect.poll(() => receiver.received.length, POLL).toBe(2)
  await rest.post(`runs/${overRest}/respond`, { wait: 'word', value: 'sesame' })
  await expect.poll(() => receiver.received.length, POLL).toBe(3)
  const told = receiver.received.map(({ body }) => `${String(body.data['run_id'])} ${body.type}`)
  expect(told.toSorted()).toEqual(
    [`${overRest} run.waiting`, `${overRest} run.succeeded`, `${overTrpc} run.succeeded`].toSorted(),
  )
  for (const { text, headers, body } of receiver.received) {
    const secret = body.data['run_id'] === overRest ? SECRET : OTHER_SECRET
    expect(new Webhook(secret).verify(text, headers as Record<string, string>)).toEqual(body)
  }
  expect(await trpc.client.webhooks.list.query({ runId: overTrpc })).toMatchObject([
    { url, events: ['run.succeeded'], runId: overTrpc, conversationId: null, owner: { id: 'ada' } },
  ])
  const answers = JSON.stringify([
    await rest.get(`webhooks?run_id=${overRest}`),
    await rest.get(`webhooks/deliveries`),
    await rest.get(`runs/${overRest}`),
  ])
  expect(answers).not.toContain(SECRET)
})

test('a conversation tells of all its runs, and its webhooks are replaced as a whole', async ({
  createServer,
}) => {
  await using receiver = await startReceiver()
  const { rest, trpc } = await serve(createServer)
  const at = (path: string, secret = SECRET) => ({ url: urlOf(receiver, path), secret })
  const created = await rest.post('conversations', { external_id: 'chat-1', webhooks: [at('/a'), at('/b')] })
  const conversationId = String(created.body['id'])
  // One that is there already is as it is.
  await rest.post('conversations', { external_id: 'chat-1', webhooks: [at('/c')] })
  await rest.create('quick', { conversation_id: conversationId })
  const paths = () => receiver.received.map(({ url }) => url).toSorted()
  await expect.poll(paths, POLL).toEqual(['/a', '/b'])
  const before = await trpc.client.webhooks.list.query({ conversationId })
  await rest.request('PATCH', `conversations/${conversationId}`, {
    webhooks: [at('/b', OTHER_SECRET), at('/d')],
  })
  const after = await trpc.client.webhooks.list.query({ conversationId })
  expect(after.map(({ url }) => new URL(url).pathname).toSorted()).toEqual(['/b', '/d'])
  const idOf = (webhooks: typeof after) => webhooks.find(({ url }) => url.endsWith('/b'))?.id
  expect(idOf(after)).toBe(idOf(before))
  // What is left out stays.
  await trpc.client.conversations.update.mutate({ conversationId, title: 'Renamed' })
  await rest.create('quick', { conversation_id: conversationId })
  await expect.poll(paths, POLL).toEqual(['/a', '/b', '/b', '/d'])
  const last = receiver.received.findLast(({ url }) => url === '/b')
  expect(() => new Webhook(SECRET).verify(last?.text ?? '', last?.headers as Record<string, string>)).toThrow(
    'No matching signature found',
  )
  await trpc.client.conversations.update.mutate({ conversationId, webhooks: [] })
  expect(await trpc.client.webhooks.list.query({ conversationId })).toEqual([])
  const id = await rest.create('quick', { conversation_id: conversationId })
  await rest.events(`runs/${id}/events`)
  expect(resultsOf(await rest.get(`webhooks/deliveries?run_id=${id}`))).toEqual([])
})

test('deliveries are listed page by page, with what became of each attempt, and repeated', async ({
  createServer,
  database,
}) => {
  await using receiver = await startReceiver(
    (response) => response.writeHead(500).end(),
    (response) => response.writeHead(204).end(),
  )
  const { rest, trpc } = await serve(createServer)
  const id = await rest.create('quick', { webhooks: [{ url: urlOf(receiver), secret: SECRET }] })
  const [first] = await expect
    .poll(() => trpc.client.webhooks.deliveries.query({ runId: id }), POLL)
    .toMatchObject({ items: [{ status: 'pending', attempts: 1, lastStatus: 500 }] })
    .then(async () => (await trpc.client.webhooks.deliveries.query({ runId: id })).items)
  const deliveryId = first?.id ?? ''
  await database.sql('UPDATE agent_runtime.webhook_delivery SET next_at = now()')
  const read = () => rest.get(`webhooks/deliveries/${deliveryId}`)
  await expect.poll(read, POLL).toMatchObject({
    body: {
      status: 'delivered',
      endpoint: urlOf(receiver),
      answers: [
        { at: expect.any(String) as string, status: 500, error: 'It answered with 500.' },
        { at: expect.any(String) as string, status: 204, error: null },
      ],
    },
  })
  expect((await rest.post(`webhooks/deliveries/${deliveryId}/redeliver`)).status).toBe(200)
  await expect.poll(read, POLL).toMatchObject({ body: { status: 'delivered', attempts: 3 } })
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(
    new Set([deliveryId]),
  )
  const ids = [deliveryId]
  for (const _ of [1, 2]) {
    const runId = await rest.create('quick', { webhooks: [{ url: urlOf(receiver), secret: SECRET }] })
    await expect
      .poll(async () => resultsOf(await rest.get(`webhooks/deliveries?run_id=${runId}`)).length, POLL)
      .toBe(1)
    ids.unshift(String(resultsOf(await rest.get(`webhooks/deliveries?run_id=${runId}`))[0]?.['id']))
  }
  const page = await trpc.client.webhooks.deliveries.query({ limit: 2 })
  const next = await trpc.client.webhooks.deliveries.query({ limit: 2, cursor: page.nextCursor ?? '' })
  expect([...page.items, ...next.items].map((delivery) => delivery.id)).toEqual(ids)
  expect([page.count, next.nextCursor]).toEqual([3, null])
})

test('nobody else sees them, and they go with their run, their conversation and their owner', async ({
  createServer,
  database,
}) => {
  await using receiver = await startReceiver()
  const { runtime, rest, as } = await serve(createServer)
  const bob = as({ authorization: 'bob' }).rest
  const webhooks = [{ url: urlOf(receiver), secret: SECRET }]
  const conversation = String((await rest.post('conversations', { webhooks })).body['id'])
  const runId = await rest.create('quick', { webhooks })
  await rest.create('quick', { conversation_id: conversation })
  await rest.create('quick', { webhooks })
  await expect.poll(() => receiver.received.length, POLL).toBe(3)
  const [delivery] = resultsOf(await rest.get(`webhooks/deliveries?run_id=${runId}`))
  const id = String(delivery?.['id'])
  for (const answer of [
    await bob.get(`webhooks/deliveries/${id}`),
    await bob.post(`webhooks/deliveries/${id}/redeliver`),
    await bob.get(`webhooks?run_id=${runId}`),
    await bob.get(`webhooks?conversation_id=${conversation}`),
  ]) {
    expect([answer.status, answer.body['code']]).toEqual([404, 'not_found'])
  }
  expect(resultsOf(await bob.get('webhooks/deliveries'))).toEqual([])
  const counts = async () => {
    const [found] = await database.sql<{ webhooks: number; deliveries: number }>(
      `SELECT (SELECT count(*)::int FROM agent_runtime.webhook) AS webhooks,
         (SELECT count(*)::int FROM agent_runtime.webhook_delivery) AS deliveries`,
    )
    return [found?.webhooks, found?.deliveries]
  }
  expect(await counts()).toEqual([3, 3])
  await rest.request('DELETE', `runs/${runId}`)
  expect(await counts()).toEqual([2, 2])
  await rest.request('DELETE', `conversations/${conversation}`)
  expect(await counts()).toEqual([1, 1])
  await runtime.erase({ id: 'ada', tenantId: 'acme', kind: 'user' })
  expect(await counts()).toEqual([0, 0])
})

test('a request that is repeated by its key has one webhook, and two servers send each delivery once', async ({
  createServer,
}) => {
  await using receiver = await startReceiver()
  const [one, other] = await Promise.all([
    serve(createServer),
    serve(createServer, PRIVATE, { worker: false }),
  ])
  const body = {
    agent_key: 'quick',
    messages: [],
    idempotency_key: 'key',
    webhooks: [{ url: urlOf(receiver), secret: SECRET }],
  }
  const answers = await Promise.all([one, other, one, other].map(({ rest }) => rest.post('runs', body)))
  expect(new Set(answers.map((answer) => answer.body['id'])).size).toBe(1)
  const runs = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      (index % 2 === 0 ? one : other).rest.create('quick', { webhooks: body.webhooks }),
    ),
  )
  await expect
    .poll(async () => (await one.trpc.client.webhooks.deliveries.query({ status: 'delivered' })).count, POLL)
    .toBe(31)
  const told = receiver.received.map((webhook) => webhook.body.data['run_id'])
  expect(told).toHaveLength(31)
  expect(new Set(told)).toEqual(new Set([...runs, answers[0]?.body['id']]))
})

test('a key is used again for the same webhooks only, whatever their order and their secrets', async ({
  createServer,
}) => {
  const { rest } = await serve(createServer, PRIVATE, { worker: false })
  const ask = async (webhooks: object[]) => {
    const { status, body } = await rest.post('runs', {
      agent_key: 'quick',
      messages: [],
      idempotency_key: 'key',
      webhooks,
    })
    return status === 409 ? body['code'] : status
  }
  const [a, b] = ['a', 'b'].map((path) => ({ url: `http://127.0.0.1/${path}`, secret: SECRET }))
  const both = ['run.failed', 'run.succeeded']
  expect(await ask([{ ...a, events: both }, { ...b }])).toBe(201)
  expect(
    await ask([
      { ...b, secret: OTHER_SECRET },
      { ...a, events: both.toReversed() },
    ]),
  ).toBe(200)
  const others = [[], [{ ...a, events: both }], [a, b], [{ ...a, events: ['run.failed'] }, { ...b }]]
  for (const webhooks of others) expect(await ask(webhooks.map((one) => ({ ...one })))).toBe('conflict')
})

test('a webhook that is refused costs no quota', async ({ createServer }) => {
  let count = 0
  const quota = () => void (count += 1)
  const { rest } = await serve(createServer, PRIVATE, { worker: false, quota })
  const ask = async (url: string) => {
    const webhooks = [{ url, secret: SECRET }]
    return (await rest.post('runs', { agent_key: 'quick', messages: [], webhooks })).status
  }
  expect(await ask('https://elsewhere.example/')).toBe(400)
  expect(count).toBe(0)
  expect(await ask('http://127.0.0.1/')).toBe(201)
  expect(count).toBe(1)
})

test('one whose endpoint hangs holds up nobody else', async ({ createServer }) => {
  await using hanging = await startReceiver(...Array.from({ length: 30 }, () => () => {}))
  await using receiver = await startReceiver()
  const { rest, as } = await serve(createServer)
  await Promise.all(
    Array.from({ length: 30 }, () =>
      rest.create('quick', { webhooks: [{ url: urlOf(hanging), secret: SECRET }] }),
    ),
  )
  await expect.poll(() => hanging.received.length, POLL).toBeGreaterThan(0)
  await as({ authorization: 'bob' }).rest.create('quick', {
    webhooks: [{ url: urlOf(receiver), secret: SECRET }],
  })
  await expect.poll(() => receiver.received.length, POLL).toBe(1)
  // Of one owner no more than ten are sent at once.
  expect(hanging.received.length).toBeLessThanOrEqual(10)
})

test('a delivery arrives while the endpoints of 200 others hang', async ({ createServer }) => {
  const others = 200
  let givenUp = 0
  const hang = (response: ServerResponse) => void response.on('close', () => (givenUp += 1))
  await using hanging = await startReceiver(...Array.from({ length: 4 * others }, () => hang))
  await using receiver = await startReceiver()
  const { as } = await serve(createServer)
  const createAs = (id: string, { port }: { port: number }) =>
    as({ authorization: id }).rest.create('quick', { webhooks: [{ url: urlOf({ port }), secret: SECRET }] })
  await Promise.all(Array.from({ length: others }, (_, n) => createAs(`other-${n}`, hanging)))
  await expect.poll(() => hanging.received.length, { timeout: 60_000 }).toBe(others)
  await createAs('bob', receiver)
  await expect.poll(() => receiver.received.length, { ...POLL, interval: 10 }).toBe(1)
  // Those that the process told first may have had their time by now.
  expect(givenUp).toBeLessThan(others / 2)
})

test('an endpoint that hung is told of one thing at a time, until it answers', async ({ createServer }) => {
  const open: ServerResponse[] = []
  const hang = (response: ServerResponse) => void open.push(response)
  await using hanging = await startReceiver(hang, hang)
  await using receiver = await startReceiver()
  const { rest, as, trpc } = await serve(createServer)
  const webhooks = [{ url: urlOf(hanging), secret: SECRET }]
  await rest.create('quick', { webhooks })
  await expect.poll(() => open.length, POLL).toBe(1)
  // Longer than endpoints are taken for quick.
  setTimeout(() => open[0]?.destroy(), 1_500)
  await expect
    .poll(() => trpc.client.webhooks.deliveries.query({}), POLL)
    .toMatchObject({ items: [{ lastStatus: null, lastError: expect.any(String) as string }] })
  await Promise.all(Array.from({ length: 5 }, () => rest.create('quick', { webhooks })))
  await expect.poll(() => open.length, POLL).toBe(2)
  const bobs = [{ url: urlOf(receiver), secret: SECRET }]
  await as({ authorization: 'bob' }).rest.create('quick', { webhooks: bobs })
  await expect.poll(() => receiver.received.length, POLL).toBe(1)
  expect(hanging.received).toHaveLength(2)
  open[1]?.writeHead(204).end()
  await expect.poll(() => hanging.received.length, POLL).toBe(7)
})

describe('where they may go', () => {
  test('nowhere, unless the settings name hosts; runs pay for them only then', async ({
    createServer,
    database,
  }) => {
    await using receiver = await startReceiver()
    const { rest } = await serve(createServer, {})
    const webhooks = [{ url: urlOf(receiver), secret: SECRET }]
    const refused = await rest.post('runs', { agent_key: 'quick', messages: [], webhooks })
    expect([refused.status, refused.body['code']]).toEqual([403, 'forbidden'])
    expect((await rest.post('conversations', { webhooks })).status).toBe(403)
    const enabled = () =>
      database.sql(`SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'note_webhooks'`)
    expect(await database.sql('SELECT FROM agent_runtime.run')).toEqual([])
    const allowing = await serve(createServer)
    await allowing.rest.events(`runs/${await allowing.rest.create('quick')}/events`)
    expect(await enabled()).toEqual([{ tgenabled: 'D' }])
    // Two at once are the first.
    await Promise.all([allowing, allowing].map((server) => server.rest.create('quick', { webhooks })))
    expect(await enabled()).toEqual([{ tgenabled: 'O' }])
    await expect.poll(() => receiver.received.length, POLL).toBe(2)
  })

  test.for<[url: string, webhookHosts: string[], isTaken: boolean]>([
    ['https://hooks.example.com/a', ['hooks.example.com'], true],
    ['https://HOOKS.example.com:8443/a?b', ['hooks.example.com'], true],
    ['https://a.example.com/', ['*.example.com'], true],
    ['https://a.example.com/', ['*'], true],
    ['https://example.com/', ['*.example.com'], false],
    ['https://evilexample.com/', ['*.example.com'], false],
    ['https://hooks.example.com.evil.com/', ['hooks.example.com'], false],
    ['http://hooks.example.com/', ['hooks.example.com'], false],
    ['https://user:pass@hooks.example.com/', ['*'], false],
    ['ftp://hooks.example.com/', ['*'], false],
    ['/hooks', ['*'], false],
  ])('%s, where %j may be told: %s', async ([url, webhookHosts, isTaken], { createServer }) => {
    const { rest } = await serve(createServer, { webhookHosts }, { worker: false })
    const body = { agent_key: 'quick', messages: [], webhooks: [{ url, secret: SECRET }] }
    const { status } = await rest.post('runs', body)
    expect(status).toBe(isTaken ? 201 : 400)
  })

  test('no address that is not public, whatever its name', async ({ createServer }) => {
    await using receiver = await startReceiver()
    const { rest, trpc } = await serve(createServer, { webhookHosts: ['*'] })
    const webhooks = ['127.0.0.1', 'localhost', '[::1]'].map((host) => ({
      url: `https://${host}:${receiver.port}/`,
      secret: SECRET,
    }))
    await rest.create('quick', { webhooks })
    await expect
      .poll(() => trpc.client.webhooks.deliveries.query({}), POLL)
      .toMatchObject({
        items: webhooks.map(() => ({ lastError: expect.stringContaining('not public') as string })),
      })
    expect(receiver.received).toEqual([])
  })

  test('a name that leads to an address that is not public neither, and to one of a named host where that is allowed', async ({
    createServer,
  }) => {
    await using receiver = await startReceiver()
    await using _names = await startNameServer({ 'hooks.example.com': '127.0.0.1' })
    const refusing = await serve(createServer, { webhookHosts: ['*'] })
    const host = `hooks.example.com:${receiver.port}`
    await refusing.rest.create('quick', { webhooks: [{ url: `https://${host}/`, secret: SECRET }] })
    await expect
      .poll(() => refusing.trpc.client.webhooks.deliveries.query({}), POLL)
      .toMatchObject({ items: [{ lastError: expect.stringContaining('not public') as string }] })
    expect(receiver.received).toEqual([])
    await refusing.runtime.stop()
    const allowing = await serve(createServer, {
      webhookHosts: ['hooks.example.com'],
      webhookAllowPrivate: true,
    })
    await allowing.rest.create('quick', { webhooks: [{ url: `http://${host}/`, secret: SECRET }] })
    await expect.poll(() => receiver.received.length, POLL).toBe(1)
  })

  test('hosts whose name servers are silent, while the process finds others', async ({ createServer }) => {
    await using names = await startNameServer()
    const { rest, trpc } = await serve(createServer, { webhookHosts: ['*'] })
    // More than threads of a process look up names.
    const hosts = Array.from({ length: 5 }, (_, n) => `h${n}.silent.example`)
    const webhooks = hosts.map((host) => ({ url: `https://${host}/`, secret: SECRET }))
    await rest.create('quick', { webhooks })
    await expect.poll(() => [...names.asked].toSorted(), POLL).toEqual(hosts)
    await expect(lookup('localhost')).resolves.toBeDefined()
    await expect
      .poll(() => trpc.client.webhooks.deliveries.query({}), POLL)
      .toMatchObject({
        items: hosts.map(() => ({ lastError: expect.stringContaining('ETIMEOUT') as string })),
      })
  })

  test('none that the settings do not name any more', async ({ createServer }) => {
    await using receiver = await startReceiver()
    const { rest, runtime } = await serve(createServer, PRIVATE, { worker: false })
    const id = await rest.create('quick', { webhooks: [{ url: urlOf(receiver), secret: SECRET }] })
    await runtime.stop()
    const next = await serve(createServer, { webhookHosts: ['hooks.example.com'] })
    await expect
      .poll(() => next.trpc.client.webhooks.deliveries.query({ runId: id }), POLL)
      .toMatchObject({ items: [{ lastError: 'The settings no longer allow webhooks to its host.' }] })
    expect(receiver.received).toEqual([])
  })

  test('any host at any address is refused at once', async ({ createServer }) => {
    await expect(serve(createServer, { webhookHosts: ['*'], webhookAllowPrivate: true })).rejects.toThrow(
      /WEBHOOK_ALLOW_PRIVATE/,
    )
    await expect(serve(createServer, { webhookHosts: ['https://a.example'] })).rejects.toThrow(
      /WEBHOOK_HOSTS/,
    )
  })

  test('not for visitors, nor where authorize says no', async ({ createServer }) => {
    const authorize: Authorize = ({ id }, action, resource) =>
      action === 'read' ? 'own' : !('kind' in resource) || resource.kind !== 'webhook' || id !== 'bob'
    const { as } = await serve(createServer, PRIVATE, { worker: false, authorize })
    const body = {
      agent_key: 'quick',
      messages: [],
      webhooks: [{ url: 'http://127.0.0.1/', secret: SECRET }],
    }
    const statusFor = async (authorization: string) =>
      (await as({ authorization }).rest.post('runs', body)).status
    expect(await statusFor('eve acme anonymous')).toBe(403)
    expect(await statusFor('bob')).toBe(403)
    expect(await statusFor('ada')).toBe(201)
  })
})

describe('what is none is refused, without its secret', () => {
  const good = { url: 'http://127.0.0.1/', secret: SECRET }
  test.for<[what: string, webhooks: unknown]>([
    ['a secret of another kind', [{ ...good, secret: 'sesame-open-yourself' }]],
    ['a short secret', [{ ...good, secret: 'whsec_YWJj' }]],
    ['no secret', [{ url: good.url }]],
    ['another event', [{ ...good, events: ['run.started'] }]],
    ['no event', [{ ...good, events: [] }]],
    ['one URL twice', [good, { ...good, url: 'http://127.0.0.1' }]],
    ['too many', Array.from({ length: 6 }, (_, n) => ({ ...good, url: `${good.url}${n}` }))],
    ['a long URL', [{ ...good, url: `${good.url}${'a'.repeat(2_000)}` }]],
    ['one that grows too long', [{ ...good, url: `${good.url}${'é'.repeat(1_000)}` }]],
    ['a slip', [{ ...good, event: 'run.failed' }]],
    ['no list', good],
  ])('%s', async ([, webhooks], { createServer }) => {
    const { rest, trpc } = await serve(createServer, PRIVATE, { worker: false })
    const answer = await rest.post('runs', { agent_key: 'quick', messages: [], webhooks })
    expect([answer.status, answer.body['code']]).toEqual([400, 'validation_failed'])
    expect(JSON.stringify(answer.body)).not.toMatch(/sesame|YWJj/)
    const input = { agentKey: 'quick', webhooks: webhooks as [] }
    await expect(trpc.client.runs.create.mutate(input)).rejects.toMatchObject({
      data: { code: 'BAD_REQUEST' },
    })
  })
})

test('a run ends though its webhook is taken away at this moment', async ({ createServer, database }) => {
  await using receiver = await startReceiver()
  const { rest } = await serve(createServer)
  const webhooks = [{ url: urlOf(receiver), secret: SECRET }]
  const conversation = String((await rest.post('conversations', { webhooks })).body['id'])
  const runId = await rest.create('asking', { conversation_id: conversation })
  await expect.poll(() => receiver.received.length, POLL).toBe(1)
  const other = await database.connect()
  await other.query('BEGIN')
  await other.query('DELETE FROM agent_runtime.webhook')
  await rest.post(`runs/${runId}/respond`, { wait: 'word', value: 'sesame' })
  // The end waits for that lock.
  await expect
    .poll(
      async () =>
        (
          await database.sql(
            `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
          )
        ).length,
      POLL,
    )
    .toBeGreaterThan(0)
  await other.query('COMMIT')
  const events = await rest.events(`runs/${runId}/events`)
  expect(events.at(-1)?.type).toBe('run.succeeded')
})
