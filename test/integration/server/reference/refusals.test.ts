// Refusals, with the status and the names that clients of the Python system read.
import { expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { ADA, BOB, HELLO, NO_SUCH, RECORDED, client, ended } from './scene.ts'

const sentence = expect.stringMatching(/^[A-Z].* /s) as string
/** Clients read either name. */
const SAID = { error: sentence, detail: sentence }
const listed = [expect.any(String) as string]
const chatting = { agent_key: 'chat-agent', messages: HELLO }

test.for<[what: string, body: unknown, status: number, fields: object]>([
  ['no agent', { messages: HELLO }, 400, { agent_key: listed }],
  ['no messages', { agent_key: 'chat-agent' }, 400, { messages: listed }],
  ['an agent that does not exist', { ...chatting, agent_key: 'no-such' }, 400, {}],
  ['a conversation that does not exist', { ...chatting, conversation_id: NO_SUCH }, 404, {}],
  ['too many attempts', { ...chatting, max_attempts: 0 }, 400, { max_attempts: listed }],
])('a run with %s', async ([, body, status, fields], { createServer }) => {
  const ask = client(await createServer({ ...RECORDED, worker: false }))
  expect(await ask('POST', '/runs/', body)).toMatchObject({
    status,
    type: 'application/json',
    body: { ...SAID, ...fields },
  })
})

test('who is nobody is told so', async ({ createServer }) => {
  const ask = client(await createServer({ ...RECORDED, worker: false }), {})
  for (const [method, path] of [
    ['POST', '/runs/'],
    ['GET', '/runs/'],
    ['GET', '/conversations/'],
  ] as const) {
    expect(await ask(method, path, method === 'POST' ? chatting : undefined)).toMatchObject({
      status: 401,
      type: 'application/json',
      body: SAID,
    })
  }
})

test("another owner's things do not exist for a caller", async ({ createServer }) => {
  const server = await createServer(RECORDED)
  const id = await ended(server, chatting)
  const conversation = await client(server)('POST', '/conversations/', {})
  const ask = client(server, BOB)
  for (const [method, path] of [
    ['GET', `/runs/${id}/`],
    ['GET', `/runs/${id}/events/`],
    ['POST', `/runs/${id}/cancel/`],
    ['DELETE', `/runs/${id}/`],
    ['GET', `/conversations/${String(conversation.body['id'])}/`],
    ['DELETE', `/conversations/${String(conversation.body['id'])}/`],
  ] as const) {
    expect(await ask(method, path)).toMatchObject({ status: 404, body: SAID })
  }
})

test.for([
  [NO_SUCH, 404],
  ['not-an-id', 400],
] as const)('a stream of the run %s', async ([id, status], { createServer }) => {
  const server = await createServer({ ...RECORDED, worker: false })
  expect(await client(server)('GET', `/runs/${id}/events/`)).toMatchObject({ status, body: SAID })
  expect(
    await client(server, { ...ADA, accept: 'text/event-stream' })('GET', `/runs/${id}/events/`),
  ).toMatchObject({ status, type: 'application/json', body: SAID })
})
