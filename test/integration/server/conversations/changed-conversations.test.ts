// Conversations that are changed after their creation, as a whole or in part, and archived.
import { describe, expect } from 'vitest'
import { defineAgent, ownersOnly } from '../../../../server/index.ts'
import type { Authorize, Principal } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const chat = defineAgent({ key: 'chat', run: async () => {} })
const SERVER = { agents: [chat], worker: false } as const

function authenticate({ headers }: Request): Principal {
  return { id: headers.get('x-user') ?? '', tenantId: 'acme', kind: 'user' }
}
const as = (id: string) => ({ 'x-user': id })

describe('a conversation', () => {
  test('is changed only in the given fields, over REST and tRPC', async ({ createServer }) => {
    const { rest, trpc } = await createServer(SERVER)
    const { body } = await rest.post('conversations', { title: 'Old', metadata: { a: 1 } })
    const path = `conversations/${String(body['id'])}`
    const changed = await rest.request('PATCH', path, { title: 'New' })
    expect(changed).toMatchObject({ status: 200, body: { id: body['id'], title: 'New', metadata: { a: 1 } } })
    const conversationId = String(body['id'])
    expect(
      await trpc.client.conversations.update.mutate({
        conversationId,
        title: null,
        agentKey: 'chat',
        metadata: {},
      }),
    ).toMatchObject({ title: null, agentKey: 'chat', metadata: {}, archivedAt: null })
    expect((await rest.get(path)).body).toMatchObject({ title: null, agent_key: 'chat', metadata: {} })
    const same = await rest.request('PATCH', path, {})
    expect(same.body).toMatchObject({ title: null, agent_key: 'chat', metadata: {} })
  })

  test('is changed by PUT as by PATCH: omitted fields stay', async ({ createServer }) => {
    const { rest } = await createServer(SERVER)
    const { body } = await rest.post('conversations', { title: 'Old', agent_key: 'chat', metadata: { a: 1 } })
    const path = `conversations/${String(body['id'])}`
    const { body: archived } = await rest.request('PATCH', path, { archived: true })
    const { updated_at: _, ...kept } = archived
    expect(await rest.request('PUT', path, { title: 'Put' })).toMatchObject({
      status: 200,
      body: { ...kept, title: 'Put' },
    })
  })

  test('that is archived is left out of lists, unless they ask for it', async ({ createServer }) => {
    const { rest, trpc } = await createServer(SERVER)
    const kept = await rest.post('conversations', {})
    const archived = await rest.post('conversations', {})
    const path = `conversations/${String(archived.body['id'])}`
    const first = (await rest.request('PATCH', path, { archived: true })).body['archived_at']
    expect(first).toEqual(expect.any(String))
    // A repetition changes nothing.
    expect((await rest.request('PATCH', path, { archived: true })).body['archived_at']).toBe(first)
    const listed = async (query: string) => {
      const { body } = await rest.get(`conversations${query}`)
      const ids = (body['results'] as { id: string }[]).map(({ id }) => id)
      return { ids, count: body['count'] }
    }
    const both = [archived.body['id'], kept.body['id']]
    expect(await listed('')).toEqual({ ids: [kept.body['id']], count: 1 })
    expect(await listed('?archived=false')).toEqual({ ids: [kept.body['id']], count: 1 })
    expect(await listed('?archived=true')).toEqual({ ids: [archived.body['id']], count: 1 })
    expect(await listed('?archived=all')).toEqual({ ids: both, count: 2 })
    expect((await rest.get('conversations?archived=maybe')).status).toBe(400)
    expect((await trpc.client.conversations.list.query({ archived: true })).items).toMatchObject([
      { id: archived.body['id'], archivedAt: first },
    ])
    // It still exists, and takes runs.
    expect((await rest.get(path)).status).toBe(200)
    await rest.create('chat', { conversation_id: archived.body['id'] })
    expect((await rest.request('PATCH', path, { archived: false })).body['archived_at']).toBeNull()
    expect(await listed('')).toEqual({ ids: both, count: 2 })
  })

  test('takes no nonsense', async ({ createServer }) => {
    const { rest } = await createServer(SERVER)
    const { body } = await rest.post('conversations', { title: 'Old' })
    const path = `conversations/${String(body['id'])}`
    const refusals: [object, string][] = [
      [{ title: 'x'.repeat(501) }, 'validation_failed'],
      [{ title: 3 }, 'validation_failed'],
      [{ title: 'a\u0000b' }, 'validation_failed'],
      [{ metadata: null }, 'validation_failed'],
      [{ archived: 'yes' }, 'validation_failed'],
      [{ agent_key: 'nobody' }, 'unknown_agent'],
    ]
    for (const [change, code] of refusals) {
      expect([change, await rest.request('PATCH', path, change)]).toMatchObject([
        change,
        { status: 400, body: { code } },
      ])
    }
    expect((await rest.request('PATCH', 'conversations/x', {})).status).toBe(400)
    expect((await rest.get(path)).body['title']).toBe('Old')
  })
})

describe('changing a conversation of somebody else', () => {
  test('is as if it were not there', async ({ createServer }) => {
    const server = await createServer({ ...SERVER, authenticate })
    const { body } = await server.as(as('ada')).rest.post('conversations', { title: 'Old' })
    const path = `conversations/${String(body['id'])}`
    const bob = server.as(as('bob')).rest
    for (const method of ['PATCH', 'PUT'] as const) {
      expect(await bob.request(method, path, { title: 'New' })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      })
    }
    expect((await server.as(as('ada')).rest.get(path)).body['title']).toBe('Old')
  })

  test('needs permission', async ({ createServer }) => {
    const authorize: Authorize = (...asked) => {
      const [principal, action, resource] = asked
      if (action === 'read') return principal.id === 'eve' ? 'own' : 'tenant'
      if (action === 'update' && principal.id === 'root') {
        return resource.kind === 'conversation' && resource.conversation.agentKey === 'chat'
      }
      return ownersOnly(...asked)
    }
    const server = await createServer({ ...SERVER, authenticate, authorize })
    const { body } = await server.as(as('ada')).rest.post('conversations', { agent_key: 'chat' })
    const path = `conversations/${String(body['id'])}`
    const change = (id: string) => server.as(as(id)).rest.request('PATCH', path, { title: `By ${id}` })
    expect(await change('eve')).toMatchObject({ status: 404 })
    expect(await change('bob')).toMatchObject({
      status: 403,
      body: { code: 'forbidden', error: 'You may not change that.' },
    })
    expect(await change('root')).toMatchObject({
      status: 200,
      body: { title: 'By root', owner: { id: 'ada', tenant_id: 'acme', kind: 'user' } },
    })
    expect(await change('ada')).toMatchObject({ status: 200 })
  })
})
