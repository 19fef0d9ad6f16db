// The recorded exchanges about runs, in their order.
import { expect, vi } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { ADA, HELLO, NO_SUCH, RECORDED, TIME, UUID, client, ended } from './scene.ts'

const QUEUED = {
  id: UUID,
  conversation_id: null,
  agent_key: 'chat-agent',
  status: 'queued',
  input: { messages: HELLO, params: {} },
  output: {},
  error: {},
  attempt: 1,
  max_attempts: 3,
  idempotency_key: null,
  created_at: TIME,
  started_at: null,
  finished_at: null,
  metadata: {},
}
const chatting = { agent_key: 'chat-agent', messages: HELLO }

test('a run is created, executed, and read with its events', async ({ createServer }) => {
  const server = await createServer(RECORDED)
  const ask = client(server)
  const created = await ask('POST', '/runs/', chatting)
  expect(created).toMatchObject({ status: 201, type: 'application/json', body: QUEUED })
  const run_id = String(created.body['id'])
  await vi.waitFor(async () =>
    expect((await ask('GET', `/runs/${run_id}/`)).body['status']).toBe('succeeded'),
  )
  const { status, body } = await ask('GET', `/runs/${run_id}/?include_all=true`)
  const content = 'echo: Hello! How are you?'
  expect([status, body]).toMatchObject([
    200,
    {
      ...QUEUED,
      id: run_id,
      status: 'succeeded',
      output: {
        usage: {},
        artifacts: {},
        final_output: { response: content },
        final_messages: [{ role: 'assistant', content }],
      },
      started_at: TIME,
      finished_at: TIME,
      events: [
        { event_type: 'run.started', payload: { attempt: 1, agent_key: 'chat-agent' } },
        { event_type: 'assistant.message', payload: { content } },
        { event_type: 'run.succeeded', payload: { usage: {}, output: { response: content } } },
      ].map((event, index) => ({ id: UUID, run_id, seq: index + 1, timestamp: TIME, ...event })),
    },
  ])
})

test('all fields of a request are in the answer', async ({ createServer }) => {
  const server = await createServer(RECORDED)
  const ask = client(server)
  const conversation = await ask('POST', '/conversations/', { agent_key: 'chat-agent' })
  const conversation_id = String(conversation.body['id'])
  const given = { conversation_id, metadata: { k: 'v' }, max_attempts: 2, idempotency_key: 'k1' }
  const created = await ask('POST', '/runs/', {
    agent_key: 'everything',
    messages: HELLO,
    params: { a: 1 },
    ...given,
  })
  expect(created).toMatchObject({
    status: 201,
    body: { ...QUEUED, ...given, agent_key: 'everything', input: { messages: HELLO, params: { a: 1 } } },
  })
  await vi.waitFor(async () =>
    expect((await ask('GET', `/runs/${String(created.body['id'])}/`)).body).toMatchObject({
      ...given,
      output: {
        usage: { total_tokens: 3 },
        artifacts: {},
        final_output: { ok: true },
        final_messages: [{ role: 'assistant', content: 'Hello' }],
      },
    }),
  )
})

test.for([1, 10])('%i attempts may be asked for', async (max_attempts, { createServer }) => {
  const ask = client(await createServer({ ...RECORDED, config: {}, worker: false }))
  expect(await ask('POST', '/runs/', { ...chatting, max_attempts })).toMatchObject({
    status: 201,
    body: { max_attempts },
  })
})

test('a run is cancelled once', async ({ createServer }) => {
  const server = await createServer(RECORDED)
  const ask = client(server)
  for (const nothing of [undefined, {}]) {
    const { body } = await ask('POST', '/runs/', { agent_key: 'slow', messages: HELLO })
    const path = `/runs/${String(body['id'])}`
    const stream = await server.rest.stream(path.slice(1) + '/events/', { headers: ADA })
    await stream.until('assistant.message')
    expect(await ask('POST', `${path}/cancel/`, nothing)).toMatchObject({
      status: 200,
      body: { status: 'cancellation_requested' },
    })
    await stream.until('run.cancelled')
    expect((await ask('GET', `${path}/`)).body).toMatchObject({
      status: 'cancelled',
      output: {},
      error: {},
      attempt: 1,
      finished_at: TIME,
      events: [
        { event_type: 'run.started' },
        { event_type: 'assistant.message', payload: { content: 'working' } },
        { event_type: 'run.cancelled' },
      ],
    })
    expect(await ask('POST', `${path}/cancel/`, nothing)).toMatchObject({
      status: 400,
      type: 'application/json',
      body: { error: expect.any(String) as string },
    })
  }
})

test('a run that fails is tried three times, and says why in its error and its last event', async ({
  createServer,
}) => {
  const server = await createServer(RECORDED)
  const ask = client(server)
  const id = await ended(server, { agent_key: 'failing', messages: HELLO })
  const { body } = await ask('GET', `/runs/${id}/`)
  const message = expect.not.stringContaining('boom') as string
  const type = 'agent_error'
  expect(body).toMatchObject({
    status: 'failed',
    output: {},
    error: { type, message, retriable: true, details: {} },
    attempt: 3,
    max_attempts: 3,
  })
  expect((body['events'] as object[]).at(-1)).toMatchObject({
    event_type: 'run.failed',
    payload: {
      error: message,
      error_type: type,
      attempt: 3,
      // The run is not tried again; another run may succeed.
      retriable: false,
      error_details: { type, message, retriable: true, details: {} },
    },
  })
})

test('a key that is repeated answers with the run it created', async ({ createServer }) => {
  const ask = client(await createServer({ ...RECORDED, worker: false }))
  const body = { ...chatting, idempotency_key: 'idem' }
  const first = await ask('POST', '/runs/', body)
  expect(first).toMatchObject({ status: 201, body: { ...QUEUED, idempotency_key: 'idem' } })
  expect(await ask('POST', '/runs/', body)).toEqual({ ...first, status: 200 })
})

test('what a route does not know is ignored, and null is as if it was left out', async ({ createServer }) => {
  const ask = client(await createServer({ ...RECORDED, worker: false }))
  expect(await ask('POST', '/runs/', { ...chatting, extra: 1, conversation_id: null })).toMatchObject({
    status: 201,
    body: QUEUED,
  })
})

test('runs are listed, newest first, and deleted', async ({ createServer }) => {
  const server = await createServer(RECORDED)
  const ask = client(server)
  const ids = [await ended(server, chatting), await ended(server, chatting)]
  const { status, body } = await ask('GET', '/runs/')
  expect([status, body['count']]).toEqual([200, 2])
  const [newest, oldest] = ids.toReversed()
  const listed = {
    ...QUEUED,
    status: 'succeeded',
    output: { artifacts: {} },
    started_at: TIME,
    finished_at: TIME,
  }
  expect(body['results']).toMatchObject([
    { ...listed, id: newest },
    { ...listed, id: oldest },
  ])
  expect((body['results'] as object[]).some((run) => 'events' in run)).toBe(false)
  expect(await ask('DELETE', `/runs/${oldest}/`)).toEqual({ status: 204, type: null, body: {} })
  expect((await ask('GET', `/runs/${oldest}/`)).status).toBe(404)
  expect((await ask('DELETE', `/runs/${NO_SUCH}/`)).status).toBe(404)
})
