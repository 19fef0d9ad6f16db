// Webhooks that callers give with runs and conversations, where the settings allow them.
import { Webhook } from 'standardwebhooks'
import { expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { startReceiver } from '../../../support/webhook-receiver.ts'
import { SECRET, OTHER_SECRET, POLL, serve, urlOf } from './caller-webhooks-scene.ts'

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
  // An existing one stays as it is.
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
  // An omitted field stays.
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
  // The end of the run waits for that lock.
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
