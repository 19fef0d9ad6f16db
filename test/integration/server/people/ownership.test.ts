import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import type { TestTrpc } from '../../../support/trpc-client.ts'

const agent = defineAgent({ key: 'agent', run: async (ctx) => ({ output: ctx.principal.id }) })

function authenticate(request: Request): Principal | null {
  const id = request.headers.get('x-user')
  if (id === null) return null
  const kind = request.headers.get('x-kind') === 'anonymous' ? 'anonymous' : 'user'
  return { id, tenantId: request.headers.get('x-tenant') ?? '', kind }
}

const notFound = { status: 404, body: { code: 'not_found' } }
const notFoundOverTrpc = { data: { error: { code: 'not_found' } } }

interface Person {
  rest: RestClient
  trpc: TestTrpc
}

/** Every request about a run by its id. */
async function asksOfRun({ rest, trpc }: Person, runId: string) {
  return {
    rest: [
      await rest.get(`runs/${runId}`),
      await rest.post(`runs/${runId}/cancel`),
      await rest.get(`runs/${runId}/events`),
      await rest.get(`runs/${runId}/events/stream`),
      await rest.get(`runs/${runId}/events`, { headers: { accept: 'text/event-stream' } }),
      await rest.get(`runs/${runId}/events/stream`, { headers: { 'last-event-id': '1' } }),
    ],
    trpc: await Promise.allSettled([
      trpc.client.runs.get.query({ runId }),
      trpc.client.runs.cancel.mutate({ runId }),
      trpc.events({ runId }),
      trpc.events({ runId, lastEventId: 1, includeAll: true }),
    ]),
  }
}

describe('what is somebody else’s does not exist', () => {
  test.for([
    { whose: 'of another owner', stranger: { 'x-user': 'bob' } },
    { whose: 'of another tenant', stranger: { 'x-user': 'ada', 'x-tenant': 'acme' } },
    { whose: 'of a visitor of that name', stranger: { 'x-user': 'ada', 'x-kind': 'anonymous' } },
  ])('a run $whose, in every procedure and stream', async ({ stranger }, { createServer }) => {
    const { as } = await createServer({ agents: [agent], authenticate })
    const ada = as({ 'x-user': 'ada' })
    const over = await ada.rest.create('agent')
    await ada.rest.events(`runs/${over}/events`)
    const before = await ada.rest.get(`runs/${over}`)
    const missing = '019aa000-0000-7000-8000-000000000001'
    const answers = await asksOfRun(as(stranger), over)
    const ofNothing = await asksOfRun(as(stranger), missing)
    for (const answer of answers.rest) expect(answer).toMatchObject(notFound)
    for (const answer of answers.trpc)
      expect(answer).toMatchObject({ status: 'rejected', reason: notFoundOverTrpc })
    // The answers do not tell whether such a run exists.
    const text = (of: typeof answers, id: string) =>
      JSON.stringify([of.rest.map(({ status, body }) => ({ status, body })), of.trpc]).replaceAll(id, 'ID')
    expect(text(answers, over)).toBe(text(ofNothing, missing))
    expect(await ada.rest.get(`runs/${over}`)).toEqual(before)
  })

  test('a queued run can’t be cancelled by a stranger', async ({ createServer }) => {
    const { as } = await createServer({ agents: [agent], authenticate, worker: false })
    const ada = as({ 'x-user': 'ada' })
    const id = await ada.rest.create('agent')
    expect(await as({ 'x-user': 'bob' }).rest.post(`runs/${id}/cancel`)).toMatchObject(notFound)
    expect((await ada.rest.get(`runs/${id}`)).body['status']).toBe('queued')
  })

  test('a conversation: not to be read, nor to be continued', async ({ createServer, database }) => {
    const { as } = await createServer({ agents: [agent], authenticate, worker: false })
    const ada = as({ 'x-user': 'ada' })
    const conversation = await ada.trpc.client.conversations.create.mutate({ title: 'Private' })
    for (const headers of [
      { 'x-user': 'bob' },
      { 'x-user': 'ada', 'x-tenant': 'acme' },
      { 'x-user': 'ada', 'x-kind': 'anonymous' },
    ]) {
      const stranger = as(headers)
      expect(await stranger.rest.get(`conversations/${conversation.id}`)).toMatchObject(notFound)
      expect(
        await stranger.rest.post('runs', { agent_key: 'agent', conversation_id: conversation.id }),
      ).toMatchObject(notFound)
      await expect(
        stranger.trpc.client.conversations.get.query({ conversationId: conversation.id }),
      ).rejects.toMatchObject(notFoundOverTrpc)
      await expect(
        stranger.trpc.client.runs.create.mutate({ agentKey: 'agent', conversationId: conversation.id }),
      ).rejects.toMatchObject(notFoundOverTrpc)
      expect((await stranger.rest.get(`runs?conversation_id=${conversation.id}`)).body).toMatchObject({
        results: [],
      })
    }
    expect(await database.sql('SELECT id FROM agent_runtime.run')).toEqual([])
  })

  test('in lists there is only what is one’s own, and the counts know of nothing else', async ({
    createServer,
  }) => {
    const { as } = await createServer({ agents: [agent], authenticate, worker: false })
    const people = [
      as({ 'x-user': 'ada' }),
      as({ 'x-user': 'bob' }),
      as({ 'x-user': 'ada', 'x-tenant': 'acme' }),
      as({ 'x-user': 'ada', 'x-kind': 'anonymous' }),
    ]
    for (const [index, { rest }] of people.entries()) {
      for (let i = 0; i <= index; i += 1) {
        await rest.create('agent')
        await rest.post('conversations', {})
      }
    }
    for (const [index, { rest, trpc }] of people.entries()) {
      for (const path of ['runs', 'conversations']) {
        const { body } = await rest.get(path)
        expect(body).toMatchObject({ count: index + 1, next: null, previous: null })
        expect(body['results']).toHaveLength(index + 1)
      }
      expect((await trpc.client.runs.list.query({})).items).toHaveLength(index + 1)
      expect((await trpc.client.conversations.list.query({})).count).toBe(index + 1)
    }
    const nobody = as({ 'x-user': 'nobody' })
    expect((await nobody.rest.get('runs')).body).toEqual({
      results: [],
      next: null,
      previous: null,
      count: 0,
    })
  })

  test('a cursor out of somebody else’s list leads into one’s own', async ({ createServer }) => {
    const { as } = await createServer({ agents: [agent], authenticate, worker: false })
    const [ada, bob] = [as({ 'x-user': 'ada' }), as({ 'x-user': 'bob' })]
    for (let i = 0; i < 3; i += 1) await ada.rest.create('agent')
    const { nextCursor } = await ada.trpc.client.runs.list.query({ limit: 1 })
    const { items, count } = await bob.trpc.client.runs.list.query({ cursor: nextCursor ?? '' })
    expect([items, count]).toEqual([[], 0])
  })
})

describe('whoever is nobody', () => {
  test('gets 401 everywhere, and leaves nothing', async ({ createServer, database }) => {
    const { rest, trpc } = await createServer({ agents: [agent], authenticate, worker: false })
    const id = '019aa000-0000-7000-8000-000000000001'
    const unauthorized = { status: 401, body: { code: 'unauthorized' } }
    for (const path of [
      'runs',
      `runs/${id}`,
      `runs/${id}/events`,
      'conversations',
      `conversations/${id}`,
      'nowhere',
    ]) {
      expect(await rest.get(path)).toMatchObject(unauthorized)
    }
    for (const path of ['runs', `runs/${id}/cancel`, 'conversations']) {
      expect(await rest.post(path, { agent_key: 'agent' })).toMatchObject(unauthorized)
    }
    const error = { data: { httpStatus: 401, error: { code: 'unauthorized' } } }
    await expect(trpc.client.runs.create.mutate({ agentKey: 'agent' })).rejects.toMatchObject(error)
    await expect(trpc.client.runs.list.query({})).rejects.toMatchObject(error)
    await expect(trpc.client.conversations.create.mutate({})).rejects.toMatchObject(error)
    await expect(trpc.events({ runId: id })).rejects.toMatchObject(error)
    expect(await database.sql('SELECT id FROM agent_runtime.run')).toEqual([])
  })

  test('a check that fails is our fault, told without a reason', async ({ createServer }) => {
    const { rest, trpc, log } = await createServer({
      agents: [agent],
      worker: false,
      authenticate: () => Promise.reject(new Error('ldap://secret is down')),
    })
    const answer = await rest.get('runs')
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal' } })
    await expect(trpc.client.runs.list.query({})).rejects.toMatchObject({
      message: expect.not.stringContaining('ldap') as string,
      data: { httpStatus: 500, error: { code: 'internal' } },
    })
    expect(JSON.stringify(answer.body)).not.toContain('ldap')
    expect(log.some(({ fields }) => String(fields['err']).includes('ldap'))).toBe(true)
  })

  test('health is told to everybody', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [agent], authenticate, worker: false })
    expect(await rest.get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await rest.get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })
  })
})
