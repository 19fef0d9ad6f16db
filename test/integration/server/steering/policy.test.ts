// The conversation policy `steer`: a message during a run is sent to that run.
import { expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent, textOf } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { ALL, begin, chatAtGate, createChat, createGate, steeringIn, WITHIN } from './scene.ts'

vi.setConfig({ testTimeout: 300_000 })

const user = (content: string) => ({ role: 'user', content })

async function beginIn(rest: RestClient, agentKey = 'chat') {
  const { body } = await rest.post('runs', { agent_key: agentKey, ...begin('Weather?') })
  const conversation = String(body['conversation_id'])
  return { id: String(body['id']), conversation, steered: steeringIn(conversation, agentKey) }
}

test('questions over two servers at once are sent to the run under way, which answers them', async ({
  createServer,
}) => {
  const { gate, asked, one, two, id, conversation, steered } = await chatAtGate(createServer)
  const answers = await Promise.all([
    one.rest.post('runs', steered('In Celsius.')),
    two.rest.post('runs', steered('Briefly.', { messages: [user('Please.'), user('Briefly.')] })),
  ])
  for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: { id, status: 'running' } })
  const ids = answers.flatMap(({ body }) => body['sent_message_ids'] as string[])
  expect(new Set(ids).size).toBe(3)
  gate.open()
  const events = await two.rest.events(`runs/${id}/${ALL}`)
  const told = events.filter(({ type }) => type === 'user.message')
  expect(told.map((event) => String(event['message_id'])).toSorted()).toEqual(ids.toSorted())
  expect(asked.at(-1)?.toSorted()).toEqual(['Briefly.', 'In Celsius.', 'Please.', 'Weather?'])
  expect((await one.rest.get('runs')).body['count']).toBe(1)
  // Once it is over, the next message creates a run of its own.
  const next = await one.rest.post('runs', steered('And now?'))
  expect(next).toMatchObject({ status: 201, body: { conversation_id: conversation } })
  expect(next.body).not.toHaveProperty('sent_message_ids')
  expect(next.body['id']).not.toBe(id)
})

test('with a key it is said once, also when the run is over, and no key of another kind is met', async ({
  createServer,
}) => {
  const { gate, asked, one, two, id, steered } = await chatAtGate(createServer)
  await one.rest.post(`runs/${id}/messages`, { message: 'Sent.', idempotency_key: 'k' })
  const request = steered('Once.', { idempotency_key: 'k' })
  const [first, second] = await Promise.all([one, two].map(({ rest }) => rest.post('runs', request)))
  expect(first).toMatchObject({ status: 200, body: { id } })
  expect(second?.body['sent_message_ids']).toEqual(first?.body['sent_message_ids'])
  const other = steered('Something else.', { idempotency_key: 'k' })
  expect(await two.rest.post('runs', other)).toMatchObject({ status: 409, body: { code: 'conflict' } })
  gate.open()
  await one.rest.events(`runs/${id}/events`)
  expect(asked.at(-1)).toEqual(['Weather?', 'Sent.', 'Once.'])
  const again = await two.rest.post('runs', { ...request, conversation_policy: 'queue' })
  expect(again).toMatchObject({
    status: 200,
    body: { id, status: 'succeeded', sent_message_ids: first?.body['sent_message_ids'] },
  })
  expect((await one.rest.get('runs')).body['count']).toBe(1)
})

test('what a run under way can not take waits for its turn', async ({ createServer }) => {
  const gate = createGate()
  const style = z.object({ tone: z.string().default('plain') })
  const talker = defineAgent({ key: 'talker', params: style, run: () => gate.pass() })
  const other = defineAgent({ key: 'other', params: style, run: async () => {} })
  const { rest } = await createServer({
    agents: [talker, other],
    config: { webhookHosts: ['hooks.example.com'] },
  })
  const { id, conversation, steered } = await beginIn(rest, 'talker')
  await gate.come
  const form = new FormData()
  form.append('files', new File(['a'], 'a.txt', { type: 'text/plain' }))
  const uploaded = await (await rest.send('files/', { method: 'POST', body: form })).json()
  const fileId = (uploaded as { files: { id: string }[] }).files[0]?.id
  const webhook = {
    url: 'https://hooks.example.com/',
    secret: `whsec_${btoa('a secret of 24 bytes, or more')}`,
  }
  for (const request of [
    steered('Hi', { agent_key: 'other' }),
    steered('Hi', { params: { tone: 'terse' } }),
    steered('Hi', { messages: [] }),
    steered('Hi', { messages: [{ role: 'system', content: 'Be terse.' }, user('Hi')] }),
    steered('Hi', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: fileId } }] }] }),
    steered('Hi', { run_at: '2999-01-01T00:00:00Z' }),
    steered('Hi', { webhooks: [webhook] }),
    steered('Hi', { replaces: `${id}:0` }),
  ]) {
    const answer = await rest.post('runs', request)
    expect([request, answer]).toMatchObject([{}, { status: 201, body: { status: 'queued' } }])
  }
  // The chosen branch has no run under way.
  expect((await rest.post('runs', steered('Hi'))).status).toBe(201)
  expect((await rest.post(`conversations/${conversation}/select`, { message_id: `${id}:0` })).status).toBe(
    200,
  )
  // The waiting runs did not keep messages from the run.
  const said = await rest.post('runs', steered('Hi'))
  expect(said).toMatchObject({ status: 200, body: { id, conversation_id: conversation } })
  await rest.post(`runs/${id}/cancel`)
  expect(await rest.post('runs', steered('Hi'))).toMatchObject({ status: 201, body: { status: 'queued' } })
  gate.open()
})

test('is what an agent may ask for; a run that has not begun or waits takes it, and nobody else says anything', async ({
  createServer,
}) => {
  const asking = defineAgent({
    key: 'asking',
    conversationPolicy: 'steer',
    async run(ctx) {
      const { value } = await ctx.wait('word', z.string())
      return { output: [value, ...(await ctx.takeMessages()).map((message) => textOf(message))] }
    },
  })
  const authenticate = (request: Request) => ({
    id: request.headers.get('x-user') ?? 'ada',
    tenantId: '',
    kind: 'user' as const,
  })
  const server = await createServer({ agents: [asking], authenticate, worker: false })
  const { rest } = server
  const { id, conversation, steered } = await beginIn(rest, 'asking')
  const { conversation_policy: _, ...asked } = steered('Before.')
  expect(await rest.post('runs', asked)).toMatchObject({ status: 200, body: { id, status: 'queued' } })
  await createServer({ agents: [asking], authenticate })
  await expect.poll(async () => (await rest.get(`runs/${id}`)).body['status'], WITHIN).toBe('waiting')
  expect(await rest.post('runs', steered('Meanwhile.'))).toMatchObject({ status: 200, body: { id } })
  const { rest: eve } = server.as({ 'x-user': 'eve' })
  expect((await eve.post('runs', steered('Eve is here.'))).status).toBe(404)
  await rest.post(`runs/${id}/respond`, { wait: 'word', value: 'sesame' })
  const events = await rest.events(`runs/${id}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ output: ['sesame', 'Before.', 'Meanwhile.'] })

  // A run with a start time is sent nothing before that.
  const later = await rest.create('asking', {
    conversation_id: conversation,
    run_at: '2999-01-01T00:00:00Z',
    conversation_policy: 'queue',
  })
  expect(await rest.post('runs', steered('Now.'))).toMatchObject({ status: 201, body: { status: 'queued' } })
  await rest.post(`runs/${later}/cancel`)
})

test('all that was said may be sent along, and a run that has too much to read takes no more', async ({
  createServer,
}) => {
  const { gate, asked, rest, id, steered } = await chatAtGate(createServer)
  const history = [user('Weather?'), { role: 'assistant', content: 'I look.' }, user('In Celsius.')]
  expect(await rest.post('runs', steered('', { messages: history }))).toMatchObject({
    status: 200,
    body: { id, sent_message_ids: [expect.any(String)] },
  })
  const more = [...history, { role: 'assistant', content: 'I still look.' }, user('Briefly.')]
  expect(await rest.post('runs', steered('', { messages: more }))).toMatchObject({
    status: 200,
    body: { id, sent_message_ids: [expect.any(String)] },
  })
  const many = Array.from({ length: 98 }, (_, n) => user(`m${n}`))
  expect((await rest.post('runs', steered('', { messages: [...many, user('Too many.')] }))).status).toBe(201)
  expect((await rest.post('runs', steered('', { messages: many }))).status).toBe(200)
  expect((await rest.post('runs', steered('One more.'))).status).toBe(201)
  gate.open()
  await rest.events(`runs/${id}/events`)
  expect(asked[1]).toEqual(['Weather?', 'In Celsius.', 'Briefly.', ...many.map(({ content }) => content)])
})

test('messages to runs that are just ending are read once, over two servers', async ({
  createServer,
  database,
}) => {
  const gate = createGate()
  gate.open()
  const { chat, model } = createChat(gate)
  const servers = [
    await createServer({ agents: [chat], model }),
    await createServer({ agents: [chat], model }),
  ] as const
  const talks = Array.from({ length: 4 }, async (_, n) => {
    const { conversation, steered } = await beginIn(servers[0].rest)
    const said = Array.from({ length: 6 }, (_message, m) => `${n}: ${m}`)
    for (const [index, content] of said.entries()) {
      const request = steered(content, { idempotency_key: content })
      // Each is sent twice, like by a client that lost the answer.
      const [one, two] = await Promise.all(servers.map(({ rest }) => rest.post('runs', request)))
      expect([one?.body['id'], index]).toEqual([two?.body['id'], index])
    }
    return { conversation, said: ['Weather?', ...said] }
  })
  const heard = await Promise.all(talks)
  const open = `SELECT count(*)::int AS count FROM agent_runtime.run WHERE finished_at IS NULL`
  const left = `SELECT count(*)::int AS count FROM agent_runtime.sent_message WHERE left_at IS NOT NULL`
  for (const text of [left, open]) {
    await expect.poll(() => database.sql(text), { timeout: 120_000 }).toEqual([{ count: 0 }])
  }
  for (const { conversation, said } of heard) {
    const { body } = await servers[1].rest.get(`conversations/${conversation}?limit=1000`)
    const messages = body['messages'] as { role: string; content: string }[]
    const users = messages.flatMap(({ role, content }) => (role === 'user' ? [content] : []))
    expect(users.toSorted()).toEqual(said.toSorted())
    // The last model request had all of it, in the conversation's order.
    expect(messages.at(-1)?.content).toBe(users.join(' | '))
  }
})
