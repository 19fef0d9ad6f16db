// Endpoints that are told of runs. Their receivers are slow, fail, redirect, hang or close.
import { Webhook } from 'standardwebhooks'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { WebhookEndpoint } from '../../../../server/index.ts'
import { createWorkspace, runCli, serverModule } from '../../../support/cli.ts'
import { test } from '../../../support/runtime.ts'
import { secretOf, startReceiver } from '../../../support/webhook-receiver.ts'

const [SECRET, OLD_SECRET] = [secretOf('a'), secretOf('b')]

const quick = defineAgent({ key: 'quick', run: async () => ({ output: 'done' }) })
const failing = defineAgent({
  key: 'failing',
  async run() {
    throw new Error('no')
  },
})
const asking = defineAgent({
  key: 'asking',
  run: async (ctx) => ({ output: (await ctx.wait('word', z.string())).value }),
})
const agents = [quick, failing, asking] as const

const POLL = { timeout: 20_000 }

test('they are told of runs that end or wait, signed, and of no others', async ({ createServer }) => {
  await using receiver = await startReceiver()
  await using other = await startReceiver()
  const { rest, runtime } = await createServer({
    agents,
    webhooks: [
      { ...receiver.endpoint, secrets: [SECRET, OLD_SECRET] },
      { ...other.endpoint, name: 'other', agentKeys: ['failing'] },
    ],
  })
  const ids = {
    quick: await rest.create('quick', { metadata: { order: 42 } }),
    failing: await rest.create('failing'),
    asking: await rest.create('asking'),
  }
  await expect.poll(() => receiver.received.length, POLL).toBe(3)
  await rest.post(`runs/${ids.asking}/respond`, { wait: 'word', value: 'sesame' })
  await expect.poll(() => receiver.received.length, POLL).toBe(4)
  const told = receiver.received.map(({ body }) => `${String(body.data['run_id'])} ${body.type}`)
  expect(new Set(told)).toEqual(
    new Set([
      `${ids.quick} run.succeeded`,
      `${ids.failing} run.failed`,
      `${ids.asking} run.waiting`,
      `${ids.asking} run.succeeded`,
    ]),
  )
  expect(receiver.received.find(({ body }) => body.data['run_id'] === ids.quick)?.body.data).toEqual({
    run_id: ids.quick,
    seq: 2,
    status: 'succeeded',
    agent_key: 'quick',
    conversation_id: null,
    owner: { id: 'public', tenant_id: '', kind: 'public' },
    metadata: { order: 42 },
  })
  for (const { text, headers, body } of receiver.received) {
    for (const secret of [SECRET, OLD_SECRET]) {
      expect(new Webhook(secret).verify(text, headers as Record<string, string>)).toEqual(body)
    }
    expect(() => new Webhook(secretOf('c')).verify(text, headers as Record<string, string>)).toThrow(
      'No matching signature found',
    )
  }
  await expect.poll(() => other.received.map(({ body }) => body.data['run_id']), POLL).toEqual([ids.failing])
  await expect
    .poll(
      async () => (await runtime.webhooks.deliveries({ runId: ids.quick })).map(({ status }) => status),
      POLL,
    )
    .toEqual(['delivered'])
})

test('what does not arrive is sent again by the same id until it does, and once more when asked to', async ({
  createServer,
  database,
}) => {
  await using receiver = await startReceiver(
    (response) => response.writeHead(500).end('no'),
    (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    (response) => response.destroy(),
  )
  const { rest, runtime } = await createServer({ agents, webhooks: [receiver.endpoint] })
  await rest.create('quick')
  const [only] = await expect
    .poll(() => runtime.webhooks.deliveries(), POLL)
    .toMatchObject([{ attempts: 1, lastStatus: 500, status: 'pending' }])
    .then(() => runtime.webhooks.deliveries())
  const sendNow = () =>
    database.sql('UPDATE agent_runtime.webhook_delivery SET next_at = now() WHERE next_at IS NOT NULL')
  for (const [attempts, found] of [
    [2, { lastStatus: 302, lastError: 'It answered with 302.' }],
    [3, { lastStatus: null, lastError: expect.any(String) as string }],
    [4, { lastStatus: 204, lastError: null, status: 'delivered', nextAt: null }],
  ] as const) {
    await sendNow()
    await expect
      .poll(() => runtime.webhooks.deliveries({ status: attempts === 4 ? 'delivered' : 'pending' }), POLL)
      .toMatchObject([{ attempts, ...found }])
  }
  await runtime.webhooks.redeliver(only?.id ?? '')
  await expect.poll(() => receiver.received.length, POLL).toBe(5)
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([only?.id]))
  await expect(runtime.webhooks.redeliver('019aa000-0000-7000-8000-000000000001')).rejects.toMatchObject({
    code: 'not_found',
  })
})

test('a receiver that hangs holds up no other, and no process that stops', async ({ createServer }) => {
  await using hanging = await startReceiver(() => {})
  await using receiver = await startReceiver()
  const { rest, runtime } = await createServer({
    agents,
    webhooks: [{ ...hanging.endpoint, name: 'hanging' }, receiver.endpoint],
  })
  const id = await rest.create('quick')
  await expect.poll(() => hanging.received.length, POLL).toBe(1)
  await expect.poll(() => receiver.received.length, POLL).toBe(1)
  await runtime.stop()
  const next = await createServer({
    agents,
    webhooks: [{ ...hanging.endpoint, name: 'hanging' }],
    worker: false,
  })
  await next.runtime.start()
  await expect
    .poll(
      async () => (await next.runtime.webhooks.deliveries({ runId: id })).map(({ status }) => status),
      POLL,
    )
    .toEqual(['delivered', 'delivered'])
})

test('one that never arrives is given up, and can be repeated', async ({ createServer, database }) => {
  await using receiver = await startReceiver((response) => response.writeHead(410).end())
  const { rest, runtime } = await createServer({ agents, webhooks: [receiver.endpoint], worker: false })
  const id = await rest.create('quick')
  await database.sql(`
    INSERT INTO agent_runtime.webhook_delivery (run_id, endpoint, event, seq, attempts)
    VALUES ('${id}', 'receiver', 'run.failed', 1, 8)`)
  await expect
    .poll(() => runtime.webhooks.deliveries({ status: 'failed' }), POLL)
    .toMatchObject([{ attempts: 9, lastStatus: 410, nextAt: null }])
})

test('of two processes one sends it; what one took that died, the other sends by the same id', async ({
  createServer,
  database,
}) => {
  const held = Promise.withResolvers<void>()
  await using receiver = await startReceiver(
    (response) => void held.promise.then(() => response.writeHead(204).end()),
  )
  const options = { agents, webhooks: [receiver.endpoint] }
  const { rest, runtime } = await createServer(options)
  await createServer(options)
  const id = await rest.create('quick')
  await expect.poll(() => receiver.received.length, POLL).toBe(1)
  // As if a minute had passed since its sender died.
  await database.sql('UPDATE agent_runtime.webhook_delivery SET next_at = now()')
  await expect
    .poll(() => runtime.webhooks.deliveries({ runId: id }), POLL)
    .toMatchObject([{ attempts: 2, status: 'delivered' }])
  held.resolve()
  const webhookIds = receiver.received.map(({ headers }) => headers['webhook-id'])
  expect([webhookIds.length, new Set(webhookIds).size]).toEqual([2, 1])
})

// Two processes start, which takes time on a busy machine.
test(
  'what a process had sent that was killed before it was answered, another sends',
  { timeout: 120_000 },
  async ({ createServer, database }) => {
    await using receiver = await startReceiver(() => {})
    await using folder = await createWorkspace()
    await folder.write(
      'runtime.ts',
      `import { createAgentRuntime, defineAgent } from '${serverModule}'
    const webhooks = [${JSON.stringify(receiver.endpoint)}]
    const agents = [defineAgent({ key: 'quick', run: async () => ({ output: 'done' }) })]
    export default createAgentRuntime({ agents, webhooks })`,
    )
    const settings = { cwd: folder.path, env: { DATABASE_URL: database.url } }
    await using first = runCli(['worker', 'runtime.ts'], settings)
    await first.printed(/Working on runs/)
    const { rest, runtime } = await createServer({ agents, worker: false })
    const id = await rest.create('quick')
    await expect.poll(() => receiver.received.length, { ...POLL, timeout: 30_000 }).toBe(1)
    first.kill('SIGKILL')
    await first.exited
    expect(await runtime.webhooks.deliveries({ runId: id })).toMatchObject([
      { status: 'pending', attempts: 1 },
    ])
    await using second = runCli(['worker', 'runtime.ts'], settings)
    await second.printed(/Working on runs/)
    // As if a minute had passed.
    await database.sql('UPDATE agent_runtime.webhook_delivery SET next_at = now()')
    await expect
      .poll(() => runtime.webhooks.deliveries({ runId: id }), { ...POLL, timeout: 30_000 })
      .toMatchObject([{ status: 'delivered', attempts: 2 }])
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(
      Array.from({ length: 2 }, () => receiver.received[0]?.headers['webhook-id']),
    )
    second.kill('SIGTERM')
    await second.exited
  },
)

describe('an address that is not public', () => {
  test.for(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])(
    '%s is not asked, unless it is allowed',
    async (host, { createServer }) => {
      await using receiver = await startReceiver()
      const { allowPrivate: _, ...endpoint } = receiver.endpoint
      const url = `http://${host}:${receiver.port}/`
      const { rest, runtime } = await createServer({ agents, webhooks: [{ ...endpoint, url }] })
      await rest.create('quick')
      await expect
        .poll(() => runtime.webhooks.deliveries(), POLL)
        .toMatchObject([{ attempts: 1, lastStatus: null, lastError: expect.stringContaining('not public') }])
      expect(receiver.received).toEqual([])
    },
  )
})

test('runs pay for webhooks only once there is an endpoint', async ({ createServer, database }) => {
  const enabled = async () =>
    database.sql(`SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'note_webhooks'`)
  const { rest, runtime } = await createServer({ agents })
  await rest.events(`runs/${await rest.create('quick')}/events`)
  expect(await enabled()).toEqual([{ tgenabled: 'D' }])
  await using receiver = await startReceiver()
  const options = { agents, webhooks: [receiver.endpoint], worker: false }
  const both = await Promise.all([createServer(options), createServer(options)])
  await Promise.all(both.map(async (server) => server.runtime.start()))
  expect(await enabled()).toEqual([{ tgenabled: 'O' }])
  // The worker has no endpoint, and started before there was one.
  const id = await rest.create('quick')
  await expect
    .poll(() => runtime.webhooks.deliveries({ runId: id }), POLL)
    .toMatchObject([{ status: 'delivered' }])
})

test('without endpoints, nothing is recorded', async ({ createServer, database }) => {
  await using receiver = await startReceiver()
  const first = await createServer({ agents, webhooks: [receiver.endpoint], worker: false })
  await first.runtime.start()
  const { rest } = await createServer({ agents, webhooks: [] })
  await rest.events(`runs/${await rest.create('quick')}/events`)
  expect(await database.sql('SELECT 1 FROM agent_runtime.webhook_delivery')).toEqual([])
})

describe('an endpoint that is none is refused, without its secret', () => {
  const good: WebhookEndpoint = { name: 'a', url: 'https://a.example', secrets: [SECRET] }
  test.for<[what: string, endpoints: unknown]>([
    ['a secret of another kind', [{ ...good, secrets: ['sesame-open-yourself'] }]],
    ['a short secret', [{ ...good, secrets: ['whsec_YWJj'] }]],
    ['no secret', [{ ...good, secrets: [] }]],
    ['another protocol', [{ ...good, url: 'ftp://a.example' }]],
    ['no URL', [{ ...good, url: '/hooks' }]],
    ['a slip', [{ ...good, allowprivate: true }]],
    ['one name twice', [good, good]],
  ])('%s', async ([, endpoints], { createServer }) => {
    const refused = createServer({ agents, webhooks: endpoints as WebhookEndpoint[] })
    await expect(refused).rejects.toThrow(/^webhooks/)
    await expect(refused).rejects.not.toThrow(/sesame|YWJj/)
  })
})
