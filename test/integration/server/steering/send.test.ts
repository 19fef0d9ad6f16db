import { expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { ALL, begin, chatAtGate, createChat, createGate, WITHIN } from './scene.ts'

test('messages sent to a run go into its next model request: from any server, in order, and stored', async ({
  createServer,
}) => {
  const { gate, asked, one, two, id, conversation } = await chatAtGate(createServer)
  const first = await two.rest.post(`runs/${id}/messages`, { message: 'In Celsius.' })
  expect(first).toMatchObject({ status: 201, body: { run: { id, status: 'running' } } })
  const second = await one.rest.post(`runs/${id}/messages/`, {
    message: { role: 'user', content: [{ type: 'text', text: 'Briefly.' }] },
  })
  gate.open()
  const events = await two.rest.events(`runs/${id}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'Weather? | In Celsius. | Briefly.' })
  expect(asked).toEqual([['Weather?'], ['Weather?', 'In Celsius.', 'Briefly.']])
  const told = events.filter(({ type }) => type === 'user.message')
  expect(told).toMatchObject([
    { message_id: first.body['message_id'], content: 'In Celsius.', visibility_level: 'user' },
    { message_id: second.body['message_id'], content: [{ type: 'text', text: 'Briefly.' }] },
  ])
  const { body } = await one.rest.get(`conversations/${conversation}`)
  expect(body['messages']).toMatchObject([
    { role: 'user', content: 'Weather?' },
    { role: 'assistant' },
    { role: 'tool' },
    { role: 'user', content: 'In Celsius.', id: first.body['message_id'] },
    { role: 'user', id: second.body['message_id'] },
    { role: 'assistant', content: 'Weather? | In Celsius. | Briefly.' },
  ])
})

test('ten at once are all read, each once, in one order', async ({ createServer, database }) => {
  const { gate, asked, one, two, id } = await chatAtGate(createServer)
  const sent = await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      (n % 2 === 0 ? one : two).rest.post(`runs/${id}/messages`, { message: `m${n}` }),
    ),
  )
  expect(sent.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 201))
  gate.open()
  await two.rest.events(`runs/${id}/events`)
  const stored = await database.sql<{ content: string }>(
    `SELECT body ->> 'content' AS content FROM agent_runtime.sent_message ORDER BY position`,
  )
  expect(asked.at(-1)).toEqual(['Weather?', ...stored.map(({ content }) => content)])
  expect(new Set(asked.at(-1)).size).toBe(11)
})

test('a later attempt reads nothing twice, and tells nothing twice', async ({ createServer }) => {
  const { gate, asked, rest, id } = await chatAtGate(createServer, { failsFirst: true })
  await rest.post(`runs/${id}/messages`, { message: 'In Celsius.' })
  gate.open()
  const events = await rest.events(`runs/${id}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ attempt: 2, output: 'Weather? | In Celsius.' })
  expect(asked).toHaveLength(2)
  expect(events.filter(({ type }) => type === 'user.message')).toHaveLength(1)
})

test('a run that has not begun, or waits its turn, begins with what it was sent', async ({
  createServer,
}) => {
  const gate = createGate()
  const { chat, model, asked } = createChat(gate)
  const { rest } = await createServer({ agents: [chat], model, worker: false })
  const id = await rest.create('chat', begin('One'))
  expect((await rest.post(`runs/${id}/messages`, { message: 'Two' })).status).toBe(201)
  gate.open()
  await createServer({ agents: [chat], model })
  await rest.events(`runs/${id}/events`)
  expect(asked[0]).toEqual(['One', 'Two'])
})

test('messages that a run did not read become the next run of its conversation, before those that wait', async ({
  createServer,
  database,
}) => {
  const gate = createGate()
  const { chat, model, asked } = createChat(gate)
  const last = createGate()
  const [one, two] = [
    await createServer({ agents: [chat], model }),
    await createServer({ agents: [chat], model }),
  ]
  const stream = model.stream.bind(model)
  model.stream = async function* (request, signal) {
    for await (const chunk of stream(request, signal)) {
      if (chunk.type === 'finish' && asked.length === 2) await last.pass()
      yield chunk
    }
  }
  const id = await one.rest.create('chat', begin('First.'))
  gate.open()
  await last.come
  const conversation = (await one.rest.get(`runs/${id}`)).body['conversation_id']
  const later = await one.rest.create('chat', {
    conversation_id: conversation,
    messages: [{ role: 'user', content: 'Later.' }],
  })
  // Its model was asked for the last time, so no boundary is left.
  for (const message of ['A', 'B']) await two.rest.post(`runs/${id}/messages`, { message })
  last.open()
  await two.rest.events(`runs/${later}/events`)
  const runs = await database.sql<{ key: string | null; output: string }>(
    'SELECT idempotency_key AS key, output FROM agent_runtime.run ORDER BY COALESCE(rank, ordinal)',
  )
  expect(runs).toEqual([
    { key: null, output: 'First.' },
    { key: `sent/${id}`, output: 'First. | A | B' },
    { key: null, output: 'First. | A | B | Later.' },
  ])
  await expect
    .poll(() => database.sql('SELECT FROM agent_runtime.sent_message WHERE left_at IS NOT NULL'), WITHIN)
    .toEqual([])
})

test('what a cancelled run has not read begins no other: it is kept with the run, and the next one hears of it', async ({
  createServer,
  database,
}) => {
  const { gate, asked, rest, id, conversation } = await chatAtGate(createServer)
  const sent = await rest.post(`runs/${id}/messages`, { message: 'Unread.' })
  await rest.post(`runs/${id}/cancel`)
  await rest.events(`runs/${id}/events`)
  gate.open()
  const { body } = await rest.get(`conversations/${conversation}`)
  expect(body['messages']).toMatchObject([
    { content: 'Weather?' },
    { content: 'Unread.', id: sent.body['message_id'] },
  ])
  const next = await rest.create('chat', {
    conversation_id: conversation,
    messages: [{ role: 'user', content: 'Next.' }],
  })
  await rest.events(`runs/${next}/events`)
  expect(asked.at(-1)).toEqual(['Weather?', 'Unread.', 'Next.'])
  const left = 'SELECT FROM agent_runtime.sent_message WHERE left_at IS NOT NULL'
  expect(await database.sql(left)).toEqual([])
  expect((await rest.get('runs')).body['count']).toBe(2)
})

test('messages sent to a run that is cancelled before it begins are dropped', async ({ createServer }) => {
  const gate = createGate()
  const { chat, model } = createChat(gate)
  const { rest } = await createServer({ agents: [chat], model, worker: false })
  const id = await rest.create('chat', { ...begin('Later'), run_at: '2999-01-01T00:00:00Z' })
  await rest.post(`runs/${id}/messages`, { message: 'Now' })
  await rest.post(`runs/${id}/cancel`)
  const { body } = await rest.get(`runs/${id}`)
  expect(body).toMatchObject({
    status: 'cancelled',
    input: { messages: [{ content: 'Later' }, { content: 'Now' }] },
  })
  expect((await rest.get('runs')).body['count']).toBe(1)
})

test('is refused by a run that is over, or in no conversation; a key sends once', async ({
  createServer,
}) => {
  const { gate, asked, rest, id } = await chatAtGate(createServer)
  const once = { message: 'Once.', idempotency_key: 'k' }
  const [first, second] = await Promise.all([1, 2].map(() => rest.post(`runs/${id}/messages`, once)))
  expect(second?.body['message_id']).toBe(first?.body['message_id'])
  const file = { role: 'user', content: [{ type: 'file', file_id: '01a208e2-1c2d-7e3f-8a4b-5c6d7e8f9a0b' }] }
  for (const message of ['', file, { role: 'assistant', content: 'I say.' }]) {
    expect((await rest.post(`runs/${id}/messages`, { message })).status).toBe(400)
  }
  gate.open()
  await rest.events(`runs/${id}/events`)
  expect(asked.at(-1)).toEqual(['Weather?', 'Once.'])
  const over = await rest.post(`runs/${id}/messages`, { message: 'Too late.' })
  expect(over).toMatchObject({ status: 409, body: { code: 'conflict' } })
  // A repeated message gets the same answer.
  expect((await rest.post(`runs/${id}/messages`, once)).body['message_id']).toBe(first?.body['message_id'])
  const alone = await rest.create('chat', { run_at: '2999-01-01T00:00:00Z' })
  expect(await rest.post(`runs/${alone}/messages`, { message: 'Hi' })).toMatchObject({
    status: 409,
    body: { code: 'conflict' },
  })
})
