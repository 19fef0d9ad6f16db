import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { describe, expect } from 'vitest'
import { createBossQueue } from '../../../../server/postgres/queue/queue.ts'
import { retryPolicyOf } from '../../../../server/lifecycle/backoff.ts'
import { createJoinedDeliveries } from '../../../../server/postgres/deliveries/joined-deliveries.ts'
import { createPostgresStore } from '../../../../server/postgres/store.ts'
import { PUBLIC_PRINCIPAL } from '../../../../server/contract/principal.ts'
import type { Message } from '../../../../server/index.ts'
import { defineAgent, textOf } from '../../../../server/index.ts'
import { newRun } from '../../../support/new-run.ts'
import { test } from '../../../support/runtime.ts'
import { said } from '../../../support/said.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

/** Answers its last message, and remembers all that it was given. */
function createParrot() {
  const given: (readonly Message[])[] = []
  const parrot = defineAgent({
    key: 'parrot',
    async run(ctx) {
      given.push(ctx.messages)
      const content = `You said ${textOf(ctx.messages.at(-1))}`
      if (content.includes('fail')) throw new Error('as told')
      if (content.includes('wait'))
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
      return { messages: [{ role: 'assistant', content }] }
    },
  })
  return { parrot, given }
}

const user = (content: string) => ({ role: 'user', content })
const answer = (content: string) => ({ role: 'assistant', content: `You said ${content}` })

describe('a conversation', () => {
  test('gives each run the earlier messages, in order', async ({ createServer }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { body } = await rest.post('conversations', { title: 'Talk' })
    for (const text of ['one', 'two', 'three']) {
      const id = await rest.create('parrot', {
        conversation_id: body['id'],
        messages: [user('so'), user(text)],
      })
      await rest.events(`runs/${id}/events`)
    }
    const one = [user('so'), user('one')]
    const two = [...one, answer('one'), user('so'), user('two')]
    expect(given).toEqual([one, two, [...two, answer('two'), user('so'), user('three')]])
    expect((await rest.get(`conversations/${String(body['id'])}`)).body).toMatchObject({
      title: 'Talk',
      messages: [...two, answer('two'), user('so'), user('three'), answer('three')],
      total_messages: 9,
      has_more: false,
    })
  })

  test('is in the order in which its runs were created, whatever the clocks of the servers', async ({
    createServer,
    database,
  }) => {
    const { parrot, given } = createParrot()
    const config = { queuePollIntervalSeconds: 0.1 }
    const { rest } = await createServer({ agents: [parrot], config })
    const { body } = await rest.post('conversations', {})
    const conversationId = String(body['id'])
    const pool = new pg.Pool({ connectionString: database.url, application_name: 'test' })
    const queue = createBossQueue({ pool, log: createSilentLogger() })
    const store = createPostgresStore({
      pool,
      visibilityOf: () => 'user',
      retryPolicy: retryPolicyOf(1_000),
      runsAtOnce: { principal: null, tenant: null },
      deliveries: createJoinedDeliveries(pool, queue, () => {}),
    })
    for (const [text, behindMs] of [
      ['one', 0],
      ['two', 3_000],
      ['three', 60_000],
    ] as const) {
      // As if a server with a late clock had written it.
      const id = uuidv7({ msecs: Date.now() - behindMs })
      const messages = [{ role: 'user' as const, content: text }]
      const run = newRun({ id, principal: PUBLIC_PRINCIPAL, agentKey: 'parrot', conversationId, messages })
      await store.createRuns([run])
      await rest.events(`runs/${id}/events`)
    }
    await pool.end()
    const two = [user('one'), answer('one'), user('two')]
    const three = [...two, answer('two'), user('three')]
    expect(given.slice(1)).toEqual([two, three])
    const path = `conversations/${String(body['id'])}`
    expect(said((await rest.get(path)).body['messages'])).toEqual([...three, answer('three')])
    expect(said((await rest.get(`${path}?limit=2&offset=1`)).body['messages'])).toEqual([
      answer('two'),
      user('three'),
    ])
  })

  test('leaves out failed runs unless asked for them, and includes stopped ones', async ({
    createServer,
  }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { body } = await rest.post('conversations', {})
    const path = `conversations/${String(body['id'])}`
    for (const text of ['one', 'fail', 'wait', 'four']) {
      const id = await rest.create('parrot', { conversation_id: body['id'], messages: [user(text)] })
      if (text === 'wait') {
        await (await rest.stream(`runs/${id}/events?include_all=1`)).until('run.started')
        expect((await rest.post(`runs/${id}/cancel`)).status).toBe(200)
      }
      await rest.events(`runs/${id}/events`)
    }
    const history = [user('one'), answer('one'), user('wait'), user('four')]
    expect(given.at(-1)).toEqual(history)
    const spoken = [...history, answer('four')]
    expect((await rest.get(path)).body).toMatchObject({ messages: spoken, total_messages: 5 })
    expect((await rest.get(`${path}?include_failed_runs=true`)).body).toMatchObject({
      messages: [user('one'), answer('one'), user('fail'), user('wait'), user('four'), answer('four')],
      total_messages: 6,
    })
  })

  test('is read in windows that count back from the newest', async ({ createServer }) => {
    const { parrot } = createParrot()
    const { rest, trpc } = await createServer({ agents: [parrot], worker: false })
    const { body } = await rest.post('conversations', {})
    const conversationId = String(body['id'])
    for (let n = 1; n <= 7; n += 1) {
      await rest.create('parrot', { conversation_id: conversationId, messages: [user(String(n))] })
    }
    const window = async (limit: number, offset: number) => {
      const detail = await trpc.client.conversations.get.query({ conversationId, limit, offset })
      const page = (await rest.get(`conversations/${conversationId}?limit=${limit}&offset=${offset}`)).body
      expect(said(page['messages'])).toEqual(said(detail.messages))
      expect(page).toMatchObject({ has_more: detail.hasMore, total_messages: 7 })
      return [detail.messages.map(textOf).join(''), detail.hasMore]
    }
    expect(await window(3, 0)).toEqual(['567', true])
    expect(await window(3, 3)).toEqual(['234', true])
    expect(await window(3, 6)).toEqual(['1', false])
    expect(await window(3, 9)).toEqual(['', false])
    expect(await window(7, 0)).toEqual(['1234567', false])
  })

  test('does not mix with others, nor with runs outside of any', async ({ createServer }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const [one, two] = await Promise.all([rest.post('conversations', {}), rest.post('conversations', {})])
    for (const conversation_id of [one.body['id'], two.body['id'], undefined]) {
      const id = await rest.create('parrot', { conversation_id, messages: [user('Hi')] })
      await rest.events(`runs/${id}/events`)
    }
    expect(given).toEqual([[user('Hi')], [user('Hi')], [user('Hi')]])
  })

  test('keeps tool calls and their results as they were', async ({ createServer }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } }
    const messages = [
      user('Weather?'),
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: 'Rain.' },
    ]
    const id = await rest.create('parrot', { messages })
    await rest.events(`runs/${id}/events`)
    expect(given[0]).toEqual([
      user('Weather?'),
      {
        role: 'assistant',
        content: null,
        toolCalls: [{ id: 'c1', name: 'weather', arguments: { city: 'Paris' } }],
      },
      { role: 'tool', toolCallId: 'c1', content: 'Rain.' },
    ])
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      input: { messages },
      output: { final_messages: [answer('Rain.')] },
    })
  })

  test('many at once on two servers, the same ones, do not lock each other out', async ({
    createServer,
    database,
  }) => {
    const { parrot } = createParrot()
    // Among many others, so that PostgreSQL reads them one by one, in order.
    await database.sql(
      `INSERT INTO agent_runtime.conversation (id, owner_id, owner_kind) SELECT gen_random_uuid(), 'public', 'public' FROM generate_series(1, 5000)`,
    )
    await database.sql('ANALYZE agent_runtime.conversation')
    const server = { agents: [parrot], worker: false } as const
    const servers = await Promise.all([createServer(server), createServer(server)])
    const first = servers[0]?.rest
    const created = await Promise.all(Array.from({ length: 20 }, () => first?.post('conversations', {})))
    const ids = created.map((answered) => answered?.body['id'])
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.all(
        servers.flatMap(({ rest }, index) =>
          (index === 0 ? ids : ids.toReversed()).map((conversation_id) =>
            rest.post('runs', { agent_key: 'parrot', conversation_id }),
          ),
        ),
      )
      expect(answers.map(({ status }) => status).filter((status) => status !== 201)).toEqual([])
    }
  })
})
