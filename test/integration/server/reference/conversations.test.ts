// The recorded exchanges about conversations.
import { expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { HELLO, RECORDED, TIME, UUID, client, ended } from './scene.ts'

const CREATED = {
  id: UUID,
  agent_key: 'chat-agent',
  title: 'My Chat',
  metadata: { source: 'web' },
  created_at: TIME,
  updated_at: TIME,
}
const asked = { agent_key: 'chat-agent', title: 'My Chat', metadata: { source: 'web' } }

test('a conversation is created, listed, read, changed and deleted', async ({ createServer }) => {
  const ask = client(await createServer({ ...RECORDED, worker: false }))
  const created = await ask('POST', '/conversations/', asked)
  expect(created).toMatchObject({ status: 201, type: 'application/json', body: CREATED })
  const path = `/conversations/${String(created.body['id'])}/`
  expect((await ask('GET', '/conversations/')).body).toMatchObject({ count: 1, results: [CREATED] })
  expect(await ask('GET', path)).toMatchObject({ status: 200, body: CREATED })
  expect(await ask('PATCH', path, { title: 'Renamed' })).toMatchObject({
    status: 200,
    body: { ...CREATED, title: 'Renamed' },
  })
  expect(await ask('PUT', path, { agent_key: 'chat-agent', title: 'Put' })).toMatchObject({
    status: 200,
    body: { ...CREATED, title: 'Put' },
  })
  expect(await ask('DELETE', path)).toEqual({ status: 204, type: null, body: {} })
  expect((await ask('GET', path)).status).toBe(404)
})

test('its messages are read back from the newest', async ({ createServer }) => {
  const server = await createServer(RECORDED)
  const ask = client(server)
  const conversation_id = String((await ask('POST', '/conversations/', asked)).body['id'])
  for (let index = 0; index < 3; index += 1)
    await ended(server, { agent_key: 'chat-agent', messages: HELLO, conversation_id })
  const [question] = HELLO
  const said = [question, { role: 'assistant', content: 'echo: Hello! How are you?' }]
  const page = async (query: string) => {
    const { messages, total_messages, has_more } = (
      await ask('GET', `/conversations/${conversation_id}/${query}`)
    ).body
    return [messages, total_messages, has_more]
  }
  const dated = said.map((message) => ({ ...message, timestamp: TIME }))
  expect(await page('')).toMatchObject([[...dated, ...dated, ...dated], 6, false])
  expect(await page('?limit=2')).toMatchObject([dated, 6, true])
  expect(await page('?limit=4&offset=4')).toMatchObject([dated, 6, false])
})
