import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { TestServer } from '../../../support/runtime.ts'
import { SERVER, twoServers, COUNTS, statusesOf } from './conversation-keys-scene.ts'

const said = [{ role: 'user', content: 'Hi' }]

async function conversationOf({ rest }: Pick<TestServer, 'rest'>, run: Record<string, unknown>) {
  return (await rest.get(`conversations/${String(run['conversation_id'])}`)).body
}

describe('a run', () => {
  test('is created in a conversation that is made with it, and answers its id', async ({
    createServer,
    database,
  }) => {
    const server = await createServer({ ...SERVER, worker: true })
    const { rest, trpc } = server
    const { status, body } = await rest.post('runs', {
      agent_key: 'echo',
      conversation: 'new',
      messages: said,
    })
    expect(status).toBe(201)
    const conversation = await conversationOf(server, body)
    expect(conversation).toMatchObject({ agent_key: 'echo', external_id: null, owner: { id: 'ada' } })
    await rest.events(`runs/${String(body['id'])}/events`)
    const conversationId = String(body['conversation_id'])
    // It continues as usual.
    const next = await trpc.client.runs.create.mutate({
      agentKey: 'echo',
      conversationId,
      messages: [{ role: 'user', content: 'More' }],
    })
    await rest.events(`runs/${next.id}/events`)
    expect(await trpc.client.runs.get.query({ runId: next.id })).toMatchObject({ output: 3 })
    const others = await Promise.all(
      Array.from({ length: 5 }, () =>
        trpc.client.runs.create.mutate({ agentKey: 'echo', conversation: 'new' }),
      ),
    )
    expect(new Set([conversationId, ...others.map((run) => run.conversationId)]).size).toBe(6)
    await Promise.all(others.map(({ id }) => rest.events(`runs/${id}/events`)))
    expect(await database.sql(COUNTS)).toEqual([{ runs: 7, conversations: 6 }])
  })

  test('finds its conversation by the key of the caller’s, or makes it', async ({
    createServer,
    database,
  }) => {
    const server = await createServer(SERVER)
    const { rest, trpc } = server
    const named = { agent_key: 'echo', conversation: { external_id: 'ticket-1' }, messages: said }
    const first = await rest.post('runs', named)
    const second = await rest.post('runs', named)
    expect(first.body['conversation_id']).toBe(second.body['conversation_id'])
    expect(await conversationOf(server, first.body)).toMatchObject({
      external_id: 'ticket-1',
      agent_key: 'echo',
    })
    expect(
      await trpc.client.runs.create.mutate({ agentKey: 'echo', conversation: { externalId: 'ticket-1' } }),
    ).toMatchObject({ conversationId: first.body['conversation_id'] })
    expect(await database.sql(COUNTS)).toEqual([{ runs: 3, conversations: 1 }])
  })

  test('names it by a key that twenty use at once on two servers: all are in one', async ({
    createServer,
    database,
  }) => {
    const servers = await twoServers(createServer)
    const keys = ['a', 'b', 'c']
    const answers = await Promise.all(
      servers.flatMap(({ rest }, server) =>
        Array.from({ length: 18 }, (_, n) => {
          // In opposite orders, some with an idempotency key.
          const external_id = keys[(server === 0 ? n : 17 - n) % 3]
          const more = n % 2 === 0 ? {} : { idempotency_key: `${server}-${n}` }
          return rest.post('runs', { agent_key: 'echo', conversation: { external_id }, ...more })
        }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(36).fill(201))
    expect(new Set(answers.map(({ body }) => body['conversation_id'])).size).toBe(3)
    expect(await database.sql(COUNTS)).toEqual([{ runs: 36, conversations: 3 }])
  })

  test('that is created twice by one key makes no second conversation', async ({
    createServer,
    database,
  }) => {
    const servers = await twoServers(createServer)
    const [{ rest }] = servers
    for (const [n, conversation] of ['new', { external_id: 'e' }].entries()) {
      const body = { agent_key: 'echo', idempotency_key: `key-${n}`, conversation, messages: said }
      const answers = await Promise.all(
        servers.flatMap((server) => Array.from({ length: 6 }, () => server.rest.post('runs', body))),
      )
      expect(statusesOf(answers)).toEqual({ 200: 11, 201: 1 })
      expect(new Set(answers.map((answer) => answer.body['conversation_id'])).size).toBe(1)
      expect(new Set(answers.map((answer) => answer.body['id'])).size).toBe(1)
    }
    expect(await database.sql(COUNTS)).toEqual([{ runs: 2, conversations: 2 }])
    // For another conversation the key is refused, and no conversation is created.
    for (const conversation of ['new', { external_id: 'other' }]) {
      const refused = await rest.post('runs', {
        agent_key: 'echo',
        idempotency_key: conversation === 'new' ? 'key-1' : 'key-0',
        conversation,
        messages: said,
      })
      expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } })
    }
    expect(await database.sql(COUNTS)).toEqual([{ runs: 2, conversations: 2 }])
    // Also if the conversation was deleted or has another key by then.
    const { body: list } = await rest.get('conversations?external_id=e')
    const id = String((list['results'] as { id: string }[])[0]?.id)
    await rest.request('PATCH', `conversations/${id}`, { external_id: 'renamed' })
    const again = {
      agent_key: 'echo',
      idempotency_key: 'key-1',
      conversation: { external_id: 'e' },
      messages: said,
    }
    expect(await rest.post('runs', again)).toMatchObject({ status: 200, body: { conversation_id: id } })
    expect(await database.sql(COUNTS)).toEqual([{ runs: 2, conversations: 2 }])
  })

  test('whose key is used at once for two conversations is in one of them, and no other is made', async ({
    createServer,
    database,
  }) => {
    const servers = await twoServers(createServer)
    const answers = await Promise.all(
      servers.flatMap(({ rest }, server) =>
        Array.from({ length: 5 }, (_, n) => {
          const conversation = n === 0 ? 'new' : { external_id: `e-${server}-${n}` }
          return rest.post('runs', { agent_key: 'echo', idempotency_key: 'key', conversation })
        }),
      ),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(1)
    expect(statuses.filter((status) => ![200, 201, 409].includes(status))).toEqual([])
    expect(await database.sql(COUNTS)).toEqual([{ runs: 1, conversations: 1 }])
  })

  test('that comes while its conversation is deleted is in another, or goes with it', async ({
    createServer,
    database,
  }) => {
    const worker = { ...SERVER, worker: true }
    const servers = await Promise.all([createServer(worker), createServer(worker)])
    const [{ rest }] = servers
    for (let round = 0; round < 5; round += 1) {
      const { body } = await rest.post('conversations', { external_id: 'busy' })
      const [deleted, ...runs] = await Promise.all([
        rest.request('DELETE', `conversations/${String(body['id'])}`),
        ...servers.flatMap((server) =>
          Array.from({ length: 3 }, () =>
            server.rest.post('runs', { agent_key: 'echo', conversation: { external_id: 'busy' } }),
          ),
        ),
      ])
      expect(deleted.status).toBe(204)
      expect(runs.filter(({ status }) => status !== 201).map(({ body }) => body)).toEqual([])
      for (const run of runs) {
        const isHere = (await rest.get(`conversations/${String(run.body['conversation_id'])}`)).status === 200
        const { status } = await rest.get(`runs/${String(run.body['id'])}`)
        expect(status).toBe(isHere ? 200 : 404)
      }
    }
    // Deliveries of deleted runs are taken before it.
    await rest.events(`runs/${await rest.create('echo')}/events`)
    const [there] = await database.sql<{ count: number }>(
      `SELECT count(*)::int FROM agent_runtime.conversation WHERE external_id = 'busy' AND deleted_at IS NULL`,
    )
    expect(there?.count).toBeLessThanOrEqual(1)
  })

  test('says in one way where it belongs', async ({ createServer, database }) => {
    const { rest } = await createServer(SERVER)
    const { body } = await rest.post('conversations', {})
    const refused = [
      { conversation: 'old' },
      { conversation: {} },
      { conversation: ['new'] },
      { conversation: 7 },
      { ephemeral: 'yes' },
      { conversation: 'new', conversation_id: body['id'] },
      { conversation: 'new', ephemeral: true },
      { conversation_id: body['id'], ephemeral: true },
    ]
    for (const more of refused) {
      expect([more, (await rest.post('runs', { agent_key: 'echo', ...more })).status]).toEqual([more, 400])
    }
    // Null means none, as everywhere.
    expect(
      await rest.post('runs', {
        agent_key: 'echo',
        conversation: null,
        conversation_id: null,
        ephemeral: null,
      }),
    ).toMatchObject({ status: 201, body: { conversation_id: null } })
    expect(await database.sql(COUNTS)).toEqual([{ runs: 1, conversations: 1 }])
  })

  test('is in none unless it asks, or each is to have one', async ({ createServer, database }) => {
    const always = { ...SERVER, config: { newConversations: 'always' } } as const
    const { rest } = await createServer(always)
    const plain = await rest.post('runs', { agent_key: 'echo', idempotency_key: 'k' })
    expect(plain).toMatchObject({ status: 201, body: { conversation_id: expect.any(String) } })
    const ephemeral = await rest.post('runs', { agent_key: 'echo', ephemeral: true })
    expect(ephemeral.body['conversation_id']).toBeNull()
    const named = await rest.post('runs', {
      agent_key: 'echo',
      conversation_id: plain.body['conversation_id'],
    })
    expect(named.body['conversation_id']).toBe(plain.body['conversation_id'])
    expect(await database.sql(COUNTS)).toEqual([{ runs: 3, conversations: 1 }])
    // A key used before another server changed its settings still means the same run.
    const { rest: other } = await createServer(SERVER)
    expect(await other.post('runs', { agent_key: 'echo', idempotency_key: 'k' })).toMatchObject({
      status: 200,
      body: { id: plain.body['id'], conversation_id: plain.body['conversation_id'] },
    })
    expect((await other.post('runs', { agent_key: 'echo' })).body['conversation_id']).toBeNull()
  })

  test('of a schedule is in none, though each is to have one', async ({ createServer, database }) => {
    const timed = defineAgent({
      key: 'timed',
      schedules: [{ name: 'often', cron: '* * * * * *' }],
      run: async () => {},
    })
    const { rest } = await createServer({ agents: [timed], config: { newConversations: 'always' } })
    await expect.poll(async () => (await rest.get('runs')).body['count']).toBeGreaterThanOrEqual(1)
    const [{ conversations } = {}] = await database.sql<{ conversations: number }>(COUNTS)
    expect(conversations).toBe(0)
  })

  test('makes no conversation where its caller may create none', async ({ createServer, database }) => {
    const asked: unknown[] = []
    const { rest } = await createServer({
      ...SERVER,
      authorize(...question) {
        if (question[1] === 'create') asked.push(question[2])
        return question[1] === 'create' ? question[2].kind === 'run' : 'own'
      },
    })
    for (const conversation of ['new', { external_id: 'e' }]) {
      expect((await rest.post('runs', { agent_key: 'echo', conversation })).status).toBe(403)
    }
    expect((await rest.post('runs', { agent_key: 'echo' })).status).toBe(201)
    expect(asked).toEqual([
      { kind: 'run', agentKey: 'echo', conversationId: null },
      { kind: 'conversation', agentKey: 'echo' },
      { kind: 'run', agentKey: 'echo', conversationId: null, externalId: 'e' },
      { kind: 'conversation', agentKey: 'echo' },
      { kind: 'run', agentKey: 'echo', conversationId: null },
    ])
    expect(await database.sql(COUNTS)).toEqual([{ runs: 1, conversations: 0 }])
  })
})
