// Requests of chat frontends from the Python system's family, and the fields that they read.
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { AgentContext } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { HELLO, RECORDED, agents, client, ended, framesOf } from './scene.ts'

const preferring = () => {
  const seen: AgentContext['preferences'][] = []
  const agent = defineAgent({
    key: 'preferring',
    async run(ctx) {
      seen.push(ctx.preferences)
      return { output: null, messages: [{ role: 'assistant', content: 'Yes.' }] }
    },
  })
  return { agent, seen }
}

const PREFERENCES = {
  model: 'large',
  thinking: true,
  memories: [{ id: '7', content: 'Likes short answers.' }],
}

describe('what callers would like', () => {
  test('reaches the agent', async ({ createServer }) => {
    const { agent, seen } = preferring()
    const server = await createServer({ ...RECORDED, agents: [agent] })
    await ended(server, { agent_key: 'preferring', messages: HELLO, metadata: {}, ...PREFERENCES })
    await ended(server, { agent_key: 'preferring', messages: HELLO, model: null, memories: [] })
    expect(seen).toEqual([PREFERENCES, { memories: [] }])
  })

  test('reaches it from a form with a file, whose values are text', async ({ createServer }) => {
    const { agent, seen } = preferring()
    const server = await createServer({ agents: [agent] })
    const form = new FormData()
    const fields = { metadata: { source: 'widget' }, messages: HELLO, memories: PREFERENCES.memories }
    form.set('agent_key', 'preferring')
    for (const [name, value] of Object.entries(fields)) form.set(name, JSON.stringify(value))
    form.set('model', 'large')
    form.set('thinking', 'true')
    form.append('files', new File(['Hello'], 'a.txt', { type: 'text/plain' }))
    const answer = await server.rest.send('runs/', { method: 'POST', body: form })
    expect(answer.status).toBe(201)
    const run = (await answer.json()) as { id: string; input: { messages: unknown[] } }
    expect(run).toMatchObject({
      metadata: { source: 'widget' },
      input: { messages: [{ role: 'user', content: [{ type: 'text' }, { type: 'file' }] }] },
    })
    await framesOf(server, `/runs/${run.id}/events/`)
    expect(seen).toEqual([PREFERENCES])
  })
})

test('older ones say names in camelCase', async ({ createServer }) => {
  const server = await createServer({ ...RECORDED, config: { newConversations: 'always' } })
  const ask = client(server)
  const first = await ended(server, { agentKey: 'chat-agent', messages: HELLO, conversationId: null })
  const conversationId = String((await ask('GET', `/runs/${first}/`)).body['conversation_id'])
  const edit = { supersedeFromMessageIndex: 0, messages: [{ role: 'user', content: 'Edited' }] }
  await ended(server, { agentKey: 'chat-agent', conversationId, ...edit })
  const { messages, total_messages } = (
    await ask('GET', `/conversations/${conversationId}/?limit=10&offset=0`)
  ).body
  expect(messages).toMatchObject([{ content: 'Edited' }, { role: 'assistant' }])
  expect(total_messages).toBe(2)
})

test('one keeps the conversation that its first run was given', async ({ createServer }) => {
  const server = await createServer({ ...RECORDED, config: { newConversations: 'always' } })
  const ask = client(server)
  const body = { agent_key: 'chat-agent', messages: HELLO, metadata: {} }
  const first = await ask('POST', '/runs/', { ...body, conversation_id: null })
  const conversation_id = first.body['conversation_id']
  expect(conversation_id).toEqual(expect.any(String))
  expect((await ask('POST', '/runs/', { ...body, conversation_id })).body['conversation_id']).toBe(
    conversation_id,
  )
  const ephemeral = await ask('POST', '/runs/', { ...body, conversation_id: null, ephemeral: true })
  expect(ephemeral.body['conversation_id']).toBeNull()
})

test('a visitor has one token, which either name in the URL of a stream takes', async ({ createServer }) => {
  const server = await createServer({ agents, anonymousSessions: true })
  const answer = await server.rest.send('/api/accounts/anonymous-session/', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  const { token } = (await answer.json()) as { token: string }
  // An invalid token gets a 401, after which they ask for another.
  const body = { agent_key: 'chat-agent', messages: HELLO }
  expect((await client(server, { 'X-Anonymous-Token': 'old' })('POST', '/runs/', body)).status).toBe(401)
  const run = await client(server, { 'X-Anonymous-Token': token })('POST', '/runs/', body)
  expect(run.status).toBe(201)
  const path = `/runs/${String(run.body['id'])}/events/`
  for (const query of [
    `anonymous_token=${token}`,
    `token=${token}`,
    `anonymous_token=${token}&token=${token}`,
  ]) {
    const frames = await framesOf(server, `${path}?${query}`, {})
    expect(frames.map(({ event }) => event)).toEqual(['run.started', 'assistant.message', 'run.succeeded'])
  }
})

test('lists are arrays where the setting says so', async ({ createServer }) => {
  const server = await createServer({ ...RECORDED, worker: false, config: { restLists: 'array' } })
  const ask = client(server)
  for (let index = 0; index < 3; index += 1) {
    await ask('POST', '/runs/', { agent_key: 'chat-agent', messages: HELLO })
    await ask('POST', '/conversations/', {})
  }
  for (const path of ['runs', 'conversations']) {
    const whole = (await ask('GET', `/${path}/`)).body as unknown as { id: string }[]
    expect(whole).toHaveLength(3)
    // A page has links to other pages in its headers.
    const headers = { authorization: 'Token ada' }
    const page = await server.rest.send(`${path}/?limit=2`, { headers })
    expect(await page.json()).toEqual(whole.slice(0, 2))
    expect(page.headers.get('x-total-count')).toBe('3')
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '') ?? []
    const rest = await server.rest.send(next?.slice(new URL(next).origin.length) ?? '', { headers })
    expect(await rest.json()).toEqual(whole.slice(2))
    expect(rest.headers.get('link')).toMatch(/rel="prev"$/)
  }
})

test('menus are filled with agents, models and systems', async ({ createServer }) => {
  const ask = client(await createServer({ ...RECORDED, worker: false }))
  const key = 'chat-agent'
  const named = { id: key, slug: key, name: key, description: '' }
  expect((await ask('GET', '/agents/')).body).toEqual(
    expect.arrayContaining([expect.objectContaining(named)]),
  )
  expect((await ask('GET', '/models/')).body).toMatchObject({
    models: [
      {
        id: expect.any(String),
        name: expect.any(String),
        provider: expect.any(String),
        description: '',
        supports_thinking: false,
      },
    ],
    default: expect.any(String),
  })
  expect((await ask('GET', '/systems/')).body).toEqual([])
})
