// A caller's key of a conversation: one call creates or gets it, and runs name their conversation by it.
import { describe, expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { SERVER, twoServers, COUNTS, statusesOf } from './conversation-keys-scene.ts'

describe('an external id', () => {
  test('creates a conversation once, and then returns it unchanged', async ({ createServer }) => {
    const { rest, trpc } = await createServer(SERVER)
    const asked = { external_id: 'C024/17.5', title: 'Of a thread', metadata: { channel: 'general' } }
    const first = await rest.post('conversations', asked)
    expect(first).toMatchObject({ status: 201, body: asked })
    const again = await rest.post('conversations', { external_id: 'C024/17.5', title: 'Another' })
    expect(again).toMatchObject({ status: 200, body: first.body })
    const id = String(first.body['id'])
    expect(await trpc.client.conversations.create.mutate({ externalId: 'C024/17.5' })).toMatchObject({
      id,
      externalId: 'C024/17.5',
      title: 'Of a thread',
    })
    expect((await rest.get(`conversations/${id}`)).body['external_id']).toBe('C024/17.5')
    const without = await rest.post('conversations', {})
    expect(without.body['external_id']).toBeNull()
    const listed = await rest.get('conversations?external_id=C024/17.5')
    expect(listed.body).toMatchObject({ count: 1, results: [{ id }] })
    expect((await trpc.client.conversations.list.query({ externalId: 'none' })).items).toEqual([])
  })

  test('creates one conversation for twenty simultaneous requests to two servers', async ({
    createServer,
    database,
  }) => {
    const servers = await twoServers(createServer)
    const answers = await Promise.all(
      servers.flatMap(({ rest }) =>
        Array.from({ length: 10 }, () => rest.post('conversations', { external_id: 'once' })),
      ),
    )
    expect(statusesOf(answers)).toEqual({ 200: 19, 201: 1 })
    expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1)
    expect(await database.sql(COUNTS)).toEqual([{ runs: 0, conversations: 1 }])
  })

  test('is an owner’s own: by tenant, id and kind', async ({ createServer, database }) => {
    const { as } = await createServer(SERVER)
    const callers: Record<string, string>[] = [
      {},
      { 'x-user': 'bob' },
      { 'x-tenant': 'acme' },
      { 'x-kind': 'anonymous' },
    ]
    const ids: unknown[] = []
    for (const headers of callers) {
      const { rest } = as(headers)
      const { status, body } = await rest.post('conversations', { external_id: 'same' })
      expect(status).toBe(201)
      ids.push(body['id'])
      const { conversation_id } = (
        await rest.post('runs', { agent_key: 'echo', conversation: { external_id: 'same' } })
      ).body
      expect(conversation_id).toBe(body['id'])
    }
    expect(new Set(ids).size).toBe(4)
    expect(await database.sql(COUNTS)).toEqual([{ runs: 4, conversations: 4 }])
  })

  test('is changed and cleared; one that another has is refused with 409', async ({ createServer }) => {
    const { rest, trpc } = await createServer(SERVER)
    const [one, other] = [
      await rest.post('conversations', { external_id: 'one' }),
      await rest.post('conversations', {}),
    ]
    const [onePath, otherPath] = [one, other].map(({ body }) => `conversations/${String(body['id'])}`) as [
      string,
      string,
    ]
    expect(await rest.request('PATCH', otherPath, { external_id: 'one', title: 'No' })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    })
    expect((await rest.get(otherPath)).body).toMatchObject({ external_id: null, title: null })
    // Each caller's key is its own.
    expect((await rest.request('PATCH', onePath, { external_id: 'one' })).status).toBe(200)
    expect((await rest.request('PATCH', onePath, { title: 'Kept' })).body['external_id']).toBe('one')
    expect((await rest.request('PATCH', onePath, { external_id: null })).body['external_id']).toBeNull()
    const conversationId = String(other.body['id'])
    expect(
      await trpc.client.conversations.update.mutate({ conversationId, externalId: 'one' }),
    ).toMatchObject({
      externalId: 'one',
    })
    expect((await rest.request('PUT', otherPath, { external_id: null })).body['external_id']).toBeNull()
  })

  test('is free again once its conversation is deleted', async ({ createServer }) => {
    const { rest } = await createServer(SERVER)
    const first = await rest.post('conversations', { external_id: 'again' })
    await rest.request('DELETE', `conversations/${String(first.body['id'])}`)
    const second = await rest.post('conversations', { external_id: 'again' })
    expect(second.status).toBe(201)
    expect(second.body['id']).not.toBe(first.body['id'])
  })

  test('is text of 1 to 200 characters that the database can store', async ({ createServer, database }) => {
    const { rest } = await createServer(SERVER)
    for (const external_id of ['', 'x'.repeat(201), 7, {}, ['a'], true, 'a\0b', '\ud800']) {
      expect([external_id, (await rest.post('conversations', { external_id })).status]).toEqual([
        external_id,
        400,
      ])
      const conversation = { external_id }
      expect([external_id, (await rest.post('runs', { agent_key: 'echo', conversation })).status]).toEqual([
        external_id,
        400,
      ])
    }
    expect((await rest.post('conversations', { external_id: 'ü😀'.repeat(66) })).status).toBe(201)
    expect(await database.sql(COUNTS)).toEqual([{ runs: 0, conversations: 1 }])
  })
})
