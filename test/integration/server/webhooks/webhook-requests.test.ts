import { describe, expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { startReceiver } from '../../../support/webhook-receiver.ts'
import { SECRET, OTHER_SECRET, PRIVATE, POLL, serve, urlOf } from './caller-webhooks-scene.ts'

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
