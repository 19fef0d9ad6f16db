// A handoff whose run has another owner by now, is over, or is on another branch.
import { describe, expect } from 'vitest'
import { defineAgent, textOf } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { claimAsAnother } from '../../../support/takeover.ts'
import { ALL, WITHIN } from './scene.ts'

const billing = defineAgent({
  key: 'billing',
  run: async (ctx) => ({
    output: {
      said: ctx.messages.map((message) => textOf(message)),
      handoff: ctx.metadata['handoff'] ?? null,
    },
  }),
})

/** Hands on once the test allows it, under the given name, if any. */
function createFront(name?: string) {
  const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const handed = Promise.withResolvers<unknown>()
  const front = defineAgent({
    key: 'front',
    async run(ctx) {
      begun.resolve()
      await go.promise
      const handing = ctx.handOff(billing, name === undefined ? {} : { name })
      handing.then(handed.resolve, handed.resolve)
      await handing
      return { messages: [{ role: 'assistant', content: 'I hand you on.' }] }
    },
  })
  return { agents: [front, billing], begun: begun.promise, go: () => go.resolve(), handed: handed.promise }
}

const RUNS = 'SELECT agent_key FROM agent_runtime.run ORDER BY id'

describe('a handoff', () => {
  test('by a worker that lost the run has no effect', async ({ createServer, database }) => {
    const { agents, begun, go, handed } = createFront()
    const { rest } = await createServer({ agents })
    const id = await rest.create('front', { conversation: 'new' })
    await begun
    await claimAsAnother(database.sql, id)
    go()
    expect(await handed).toMatchObject({ kind: 'lost' })
    expect(await database.sql(RUNS)).toEqual([{ agent_key: 'front' }])
  })

  test('by a run that is being cancelled has no effect', async ({ createServer, database }) => {
    const { agents, begun, go, handed } = createFront()
    const { rest } = await createServer({ agents })
    const id = await rest.create('front', { conversation: 'new' })
    await begun
    // Its worker does not know it yet.
    await database.sql('UPDATE agent_runtime.run SET cancel_requested_at = now() WHERE id = $1', [id])
    go()
    expect(await handed).toMatchObject({ kind: 'cancelled' })
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)?.type).toBe('run.cancelled')
    expect(await database.sql(RUNS)).toEqual([{ agent_key: 'front' }])
  })

  test('of a visitor’s run that became a user’s is the user’s', async ({ createServer, database }) => {
    const { agents, begun, go } = createFront()
    const server = await createServer({
      agents,
      anonymousSessions: true,
      authenticate: (request) => {
        const id = request.headers.get('x-user')
        return id === null ? null : { id, tenantId: '', kind: 'user' }
      },
    })
    const { token } = await server.runtime.sessions.create()
    const id = await server.as({ 'x-anonymous-token': token }).rest.create('front', { conversation: 'new' })
    await begun
    const ada = server.as({ 'x-user': 'ada' }).rest
    expect((await ada.post('sessions/claim', { token })).status).toBe(200)
    go()
    expect((await ada.events(`runs/${id}/${ALL}`)).at(-1)?.type).toBe('run.succeeded')
    const owners = () => database.sql('SELECT agent_key, owner_id, status FROM agent_runtime.run ORDER BY id')
    await expect.poll(owners, WITHIN).toEqual([
      { agent_key: 'front', owner_id: 'ada', status: 'succeeded' },
      { agent_key: 'billing', owner_id: 'ada', status: 'succeeded' },
    ])
  })

  test('goes on from its run, also when another branch was chosen meanwhile', async ({
    createServer,
    database,
  }) => {
    const { agents, begun, go } = createFront()
    const { rest } = await createServer({ agents })
    const conversation = String((await rest.post('conversations', {})).body['id'])
    const say = (agentKey: string, content: string, place = {}) =>
      rest.create(agentKey, {
        conversation_id: conversation,
        messages: [{ role: 'user', content }],
        ...place,
      })
    await rest.events(`runs/${await say('billing', 'Hello?')}/events`)
    const { messages } = (await rest.get(`conversations/${conversation}`)).body as {
      messages: { id: string }[]
    }
    await say('front', 'My bill?')
    await begun
    const edited = await say('billing', 'Hi?', { replaces: messages[0]?.id, conversation_policy: 'queue' })
    go()
    await rest.events(`runs/${edited}/events`)
    const outputs = await database.sql(
      `SELECT output -> 'said' AS said FROM agent_runtime.run WHERE idempotency_key LIKE 'handoff/%'`,
    )
    expect(outputs).toEqual([{ said: ['Hello?', 'My bill?', 'I hand you on.'] }])
    expect((await rest.get(`runs/${edited}`)).body).toMatchObject({
      output: { final_output: { said: ['Hi?'] } },
    })
  })

  test.for(['', 'x'.repeat(151), 'a\0b', '\ud800'])(
    'under the name %j fails its run',
    async (name, { createServer }) => {
      const { agents, go, handed } = createFront(name)
      const { rest } = await createServer({ agents })
      go()
      const id = await rest.create('front', { conversation: 'new' })
      expect(await handed).toMatchObject({ message: expect.stringMatching(/1 to 150 characters/) as string })
      expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.failed')
    },
  )

  test('is nothing that a caller can say', async ({ createServer, database }) => {
    const { agents, go } = createFront()
    const { rest } = await createServer({ agents, config: { maxRunDepth: 1 } })
    go()
    const metadata = { handoff: { runId: 'x', agentKey: 'boss', depth: -10 }, page: 1 }
    const id = await rest.create('billing', { metadata })
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: { handoff: null } })
    expect((await rest.get(`runs/${id}`)).body['metadata']).toEqual({ page: 1 })
    const front = await rest.create('front', { conversation: 'new', metadata })
    await rest.events(`runs/${front}/events`)
    const handoffs = await database.sql(
      `SELECT metadata #> '{handoff,depth}' AS depth FROM agent_runtime.run WHERE idempotency_key LIKE 'handoff/%'`,
    )
    expect(handoffs).toEqual([{ depth: 1 }])
  })
})
