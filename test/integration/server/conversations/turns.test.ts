import { describe, expect } from 'vitest'
import { defineAgent, textOf } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { outputOf } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const quick = defineAgent({
  key: 'quick',
  async run(ctx) {
    const said = ctx.messages.map(textOf).join(' ')
    return { output: said, messages: [{ role: 'assistant', content: `re: ${textOf(ctx.messages.at(-1))}` }] }
  },
})

const ask = (content: string) => ({ messages: [{ role: 'user', content }] })

describe('a run in a conversation that has one under way', () => {
  test('waits for its turn by default, and then gets the earlier messages', async ({ createServer }) => {
    const held = createHeldAgent()
    const { rest, runtime } = await createServer({ agents: [held.agent, quick] })
    const second = await createServer({ agents: [held.agent, quick] })
    const conversation = await runtime.conversations.create(
      { id: 'public', tenantId: '', kind: 'public' },
      { metadata: {} },
    )
    const inIt = { conversation_id: conversation.id }
    const first = await rest.create('held', inIt)
    await held.attempt(0)
    const others: string[] = []
    for (const [index, content] of ['a', 'b', 'c', 'd'].entries()) {
      others.push(await (index % 2 === 0 ? second.rest : rest).create('quick', { ...inIt, ...ask(content) }))
    }
    expect((await rest.get(`runs/${others[0]}`)).body).toMatchObject({ status: 'queued', started_at: null })
    held.release()
    for (const id of [first, ...others]) await rest.events(`runs/${id}/events`)
    const outputs = await Promise.all(others.map(async (id) => outputOf((await rest.get(`runs/${id}`)).body)))
    expect(outputs).toEqual(['a', 'a re: a b', 'a re: a b re: b c', 'a re: a b re: b c re: c d'])
  })

  test('is refused where the agent or the caller says so', async ({ createServer }) => {
    const held = createHeldAgent()
    const strict = defineAgent({ key: 'strict', conversationPolicy: 'reject', run: async () => {} })
    const { rest } = await createServer({ agents: [held.agent, strict, quick] })
    const { body: conversation } = await rest.post('conversations', {})
    const inIt = { conversation_id: conversation['id'] }
    const first = await rest.create('held', { ...inIt, idempotency_key: 'one' })
    for (const request of [
      { agent_key: 'strict', ...inIt },
      { agent_key: 'quick', ...inIt, conversation_policy: 'reject' },
    ]) {
      expect(await rest.post('runs', request)).toMatchObject({
        status: 409,
        body: { code: 'conflict', details: { runId: first } },
      })
    }
    // A run that exists is not created twice.
    const again = { agent_key: 'held', ...inIt, idempotency_key: 'one', conversation_policy: 'reject' }
    expect(await rest.post('runs', again)).toMatchObject({ status: 200, body: { id: first } })
    held.release()
    await rest.events(`runs/${first}/events`)
    await rest.create('strict', inIt)
  })

  test('takes the place of those before it where the caller says so', async ({ createServer }) => {
    const held = createHeldAgent()
    const { rest } = await createServer({ agents: [held.agent, quick] })
    const { body: conversation } = await rest.post('conversations', {})
    const inIt = { conversation_id: conversation['id'] }
    const running = await rest.create('held', inIt)
    const { signal } = await held.attempt(0)
    const queued = await rest.create('quick', { ...inIt, ...ask('never') })
    const last = await rest.create('quick', { ...inIt, ...ask('now'), conversation_policy: 'interrupt' })
    for (const id of [running, queued, last]) await rest.events(`runs/${id}/events`)
    expect(signal.reason).toMatchObject({ kind: 'cancelled' })
    expect((await rest.get(`runs/${running}`)).body).toMatchObject({ status: 'cancelled' })
    expect((await rest.get(`runs/${queued}`)).body).toMatchObject({ status: 'cancelled', started_at: null })
    expect((await rest.get(`runs/${last}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: 'now' },
    })
  })

  test('is refused when too many wait, whichever servers are asked', async ({ createServer }) => {
    const held = createHeldAgent()
    const config = { maxWaitingRuns: 3 }
    const servers = [
      await createServer({ agents: [held.agent], config }),
      await createServer({ agents: [held.agent], config }),
    ] as const
    const [{ rest }] = servers
    const { body: conversation } = await rest.post('conversations', {})
    const request = { agent_key: 'held', conversation_id: conversation['id'] }
    const first = await rest.create('held', { ...request, idempotency_key: 'one' })
    await held.attempt(0)
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => servers[index % 2 === 0 ? 0 : 1].rest.post('runs', request)),
    )
    const created = answers.filter(({ status }) => status === 201)
    expect(created).toHaveLength(3)
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expect(answer).toMatchObject({ status: 429, body: { code: 'rate_limited', details: { waiting: 3 } } })
    }
    expect(await rest.post('runs', { ...request, idempotency_key: 'one' })).toMatchObject({ status: 200 })
    held.release()
    for (const id of [first, ...created.map(({ body }) => body['id'] as string)]) {
      await rest.events(`runs/${id}/events`)
    }
    await rest.create('held', request)
  })

  test('runs alone whatever two servers do at once', async ({ createServer, database }) => {
    let active = 0
    const overlaps: number[] = []
    const alone = defineAgent({
      key: 'alone',
      async run(ctx) {
        active += 1
        overlaps.push(active)
        try {
          await ctx.step('nothing', () => {})
        } finally {
          active -= 1
        }
      },
    })
    const servers = [await createServer({ agents: [alone] }), await createServer({ agents: [alone] })]
    const { body: conversation } = await (servers[0] as (typeof servers)[0]).rest.post('conversations', {})
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (servers[index % 2] as (typeof servers)[0]).rest.post('runs', {
          agent_key: 'alone',
          conversation_id: conversation['id'],
          conversation_policy: (['queue', 'queue', 'reject', 'interrupt'] as const)[index % 4],
        }),
      ),
    )
    const ids = answers.filter(({ status }) => status === 201).map(({ body }) => body['id'] as string)
    for (const id of ids) await servers[0]?.rest.events(`runs/${id}/events`)
    expect(Math.max(...overlaps)).toBe(1)
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
    expect(await database.sql('SELECT id FROM agent_runtime.run WHERE turn IS NOT NULL')).toEqual([])
  })

  test('gets its turn though the process that should give it died in between', async ({
    createServer,
    database,
  }) => {
    const { rest, runtime } = await createServer({ agents: [quick], worker: false })
    const { body: conversation } = await rest.post('conversations', {})
    const inIt = { conversation_id: conversation['id'] }
    const first = await rest.create('quick', inIt)
    const second = await rest.create('quick', inIt)
    // The state that a process leaves if it commits an ending and nothing more.
    await database.sql(
      `WITH r AS (
         UPDATE agent_runtime.run SET status = 'cancelled', finished_at = now(), last_seq = 1 WHERE id = $1)
       INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
       VALUES ($1, 1, 0, 'run.cancelled', 'user', '{}', now())`,
      [first],
    )
    await runtime.startWorker()
    await rest.events(`runs/${second}/events`)
    expect((await rest.get(`runs/${second}`)).body).toMatchObject({ status: 'succeeded' })
  })
})
