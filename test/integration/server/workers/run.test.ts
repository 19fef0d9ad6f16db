import { describe, expect } from 'vitest'
import { z } from 'zod'
import type { Json } from '../../../../server/contract/json.ts'
import { AgentRuntimeError, defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const greeter = defineAgent({
  key: 'greeter',
  params: z.object({ name: z.string(), greeting: z.string().default('Hello') }),
  output: z.object({ said: z.string() }),
  async run(ctx) {
    const said = `${ctx.params.greeting} ${ctx.params.name}`
    for (const content of said.split(/(?= )/)) await ctx.emit('assistant.delta', { messageId: 'm', content })
    await ctx.emitMessage(said)
    return { output: { said }, messages: [{ role: 'assistant', content: said }] }
  },
})

describe('a run, from request to end', () => {
  test('over REST', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [greeter] })
    const created = await rest.post('runs', {
      agent_key: 'greeter',
      messages: [{ role: 'user', content: 'Hi' }],
      params: { name: 'Ada' },
      metadata: { from: 'test' },
    })
    expect(created).toMatchObject({
      status: 201,
      body: { agent_key: 'greeter', status: 'queued', attempt: 1, last_seq: 0 },
    })
    const id = String(created.body['id'])
    const events = await rest.events(`runs/${id}/events/stream?include_all=true`)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    expect(events.at(0)).toMatchObject({
      type: 'run.started',
      run_id: id,
      attempt: 1,
      visibility_level: 'internal',
    })
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: { said: 'Hello Ada' } })
    const text = events.filter(({ type }) => type === 'assistant.delta').map((event) => event['content'])
    expect(text.join('')).toBe('Hello Ada')
    expect(await rest.get(`runs/${id}`)).toMatchObject({
      status: 200,
      body: {
        status: 'succeeded',
        input: { messages: [{ role: 'user', content: 'Hi' }], params: { name: 'Ada' } },
        output: {
          final_output: { said: 'Hello Ada' },
          final_messages: [{ role: 'assistant', content: 'Hello Ada' }],
        },
        error: {},
        attempt: 1,
        metadata: { from: 'test' },
        last_seq: events.length,
      },
    })
  })

  test('over tRPC', async ({ createServer }) => {
    const { trpc } = await createServer({ agents: [greeter] })
    const run = await trpc.client.runs.create.mutate({ agentKey: 'greeter', params: { name: 'Ada' } })
    expect(run).toMatchObject({ agentKey: 'greeter', status: 'queued', attempt: 0 })
    const events = await trpc.events({ runId: run.id, includeAll: true })
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', payload: { output: { said: 'Hello Ada' } } })
    expect(await trpc.client.runs.get.query({ runId: run.id })).toMatchObject({
      status: 'succeeded',
      output: { said: 'Hello Ada' },
      lastSeq: events.length,
    })
  })

  test('created and read within one transport, it is the same in the other', async ({ createServer }) => {
    const { rest, trpc } = await createServer({ agents: [greeter] })
    const id = await rest.create('greeter', { params: { name: 'Ada' } })
    const live = await trpc.events({ runId: id, includeAll: true })
    const replayed = await rest.events(`runs/${id}/events?include_all=1`)
    expect(replayed.map(({ seq, type, ts }) => ({ seq, type, ts }))).toEqual(
      live.map(({ seq, type, ts }) => ({ seq, type, ts })),
    )
  })
})

describe('what an agent is given', () => {
  test('is what the caller sent, with the defaults of its schema', async ({ createServer }) => {
    const seen = Promise.withResolvers<Record<string, unknown>>()
    const curious = defineAgent({
      key: 'curious',
      params: z.object({ tone: z.enum(['warm', 'terse']).default('warm') }),
      async run({ runId, conversationId, attempt, messages, params, metadata, principal, state }) {
        seen.resolve({ runId, conversationId, attempt, messages, params, metadata, principal, state })
      },
    })
    const { rest } = await createServer({
      agents: [curious],
      authenticate: () => ({ id: 'ada', tenantId: 'acme', kind: 'user' }),
    })
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ]
    const id = await rest.create('curious', { messages, metadata: { a: [1, { b: null }] } })
    expect(await seen.promise).toEqual({
      runId: id,
      conversationId: null,
      attempt: 1,
      messages,
      params: { tone: 'warm' },
      metadata: { a: [1, { b: null }] },
      principal: { id: 'ada', tenantId: 'acme', kind: 'user' },
      state: undefined,
    })
    await rest.events(`runs/${id}/events`)
  })

  test('without a schema: params as they were sent, none as undefined', async ({ createServer }) => {
    const seen: unknown[] = []
    const plain = defineAgent({ key: 'plain', run: async (ctx) => void seen.push(ctx.params) })
    const { rest } = await createServer({ agents: [plain] })
    await rest.events(`runs/${await rest.create('plain')}/events`)
    expect(seen).toEqual([undefined])
  })
})

describe('how a run fails', () => {
  const returns = (output: unknown) =>
    defineAgent({
      key: 'agent',
      output: z.object({ n: z.number() }),
      run: async () => ({ output: output as { n: number } }),
    })

  test('with an output its schema refuses: which field, but not what was in it', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [returns({ n: 'secret value' })] })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/events`)
    expect(events.at(-1)).toMatchObject({
      type: 'run.failed',
      code: 'invalid_output',
      details: [{ path: 'n' }],
    })
    expect(JSON.stringify(events)).not.toContain('secret value')
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'failed', output: {} })
  })

  test('with an error of its own: a safe sentence outside, the stack in the log', async ({
    createServer,
  }) => {
    const failing = defineAgent({
      key: 'agent',
      run: async () => {
        throw new TypeError('the database password is hunter2')
      },
    })
    const { rest, trpc, log } = await createServer({ agents: [failing] })
    const id = await rest.create('agent')
    const seen = [
      await rest.events(`runs/${id}/events?include_all=true`),
      await rest.get(`runs/${id}`),
      await trpc.client.runs.get.query({ runId: id }),
    ]
    expect(JSON.stringify(seen)).not.toMatch(/hunter2|TypeError|\.ts:/)
    expect(seen[2]).toMatchObject({ status: 'failed', error: { code: 'agent_error' } })
    const error = log.find(({ level }) => level === 'error')?.fields['err']
    expect((error as Error).stack).toContain('hunter2')
  })

  test('with an error made for its owner: as it is', async ({ createServer }) => {
    const details: Json = { limit: 3 }
    const failing = defineAgent({
      key: 'agent',
      run: () =>
        Promise.reject(new AgentRuntimeError('rate_limited', 'Too many questions today.', { details })),
    })
    const { rest } = await createServer({ agents: [failing] })
    const id = await rest.create('agent')
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body['error']).toEqual({
      message: 'Too many questions today.',
      type: 'rate_limited',
      retriable: true,
      details,
    })
  })

  test.for([
    { what: 'an event it does not declare', type: 'undeclared', payload: {} },
    { what: "an event that breaks the agent's own schema", type: 'progress', payload: { percent: 'half' } },
    { what: 'a payload that is no JSON', type: 'tool.result', payload: { result: 1n } },
    { what: 'for nobody there is', type: 'progress', payload: { percent: 1 }, visibility: 'everybody' },
    { what: 'an end that is not one', type: 'run.succeeded', payload: { output: null } },
    { what: 'a start', type: 'run.started', payload: { agentKey: 'agent' } },
  ])('by emitting $what: what came before stays', async ({ type, payload, visibility }, { createServer }) => {
    const emitting = defineAgent({
      key: 'agent',
      maxAttempts: 1,
      events: { progress: { schema: z.object({ percent: z.number() }) } },
      async run(ctx) {
        await ctx.emit('progress', { percent: 50 })
        const options = visibility === undefined ? {} : { visibility: visibility as 'user' }
        await ctx.emit(type as 'progress', payload as never, options)
      },
    })
    const { rest } = await createServer({ agents: [emitting] })
    const events = await rest.events(`runs/${await rest.create('agent')}/events`)
    expect(events.map((event) => event.type)).toEqual(['run.started', 'progress', 'run.failed'])
  })

  test('by what it returns being no JSON: only it, not its neighbours', async ({ createServer }) => {
    const bad = defineAgent({ key: 'bad', run: async () => ({ output: { n: 10n } as never }) })
    const good = defineAgent({ key: 'good', run: async () => ({ output: 'fine' }) })
    const { rest } = await createServer({ agents: [bad, good] })
    const ids = await Promise.all(['bad', 'good', 'bad', 'good'].map((key) => rest.create(key)))
    await Promise.all(ids.map((id) => rest.events(`runs/${id}/events`)))
    const runs = await Promise.all(ids.map((id) => rest.get(`runs/${id}`)))
    expect(runs.map(({ body }) => body['status'])).toEqual(['failed', 'succeeded', 'failed', 'succeeded'])
  })
})

describe('what an agent says', () => {
  const strange = ['\u0000', 'a\ud800b', '\\u0000', '👩‍👩‍👧', '"\n\r\u2028', '\\', 'x'.repeat(100_000)]

  test('reaches its reader whatever it is made of', async ({ createServer }) => {
    const talker = defineAgent({
      key: 'talker',
      async run(ctx) {
        for (const text of strange) await ctx.emitMessage(text)
        return {
          output: strange,
          messages: strange.map((content) => ({ role: 'assistant' as const, content })),
        }
      },
    })
    const { rest } = await createServer({ agents: [talker] })
    const id = await rest.create('talker')
    const storable = strange.map((text) => text.toWellFormed().replaceAll('\u0000', '\ufffd'))
    const events = await rest.events(`runs/${id}/events`)
    expect(events.flatMap((event) => event['content'] ?? [])).toEqual(storable)
    const { body } = await rest.get(`runs/${id}`)
    expect(body['output']).toMatchObject({
      final_output: storable,
      final_messages: storable.map((content) => ({ role: 'assistant', content })),
    })
  })

  test('reaches its reader in order when it is a lot', async ({ createServer }) => {
    const flood = defineAgent({
      key: 'flood',
      events: { n: { schema: z.number() } },
      async run(ctx) {
        for (let n = 0; n < 3_000; n += 1) await ctx.emit('n', n)
      },
    })
    const { rest } = await createServer({ agents: [flood] })
    const events = await rest.events(`runs/${await rest.create('flood')}/events`)
    expect(events.slice(1, -1).map(({ payload }) => payload)).toEqual(
      Array.from({ length: 3_000 }, (_, n) => n),
    )
  })
})
