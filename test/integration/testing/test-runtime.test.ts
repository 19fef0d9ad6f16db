import { describe, expect, test as base, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../server/index.ts'
import { createScriptedModel, createTestRuntime } from '../../../testing/index.ts'
import { createTestDatabase } from '../../support/database.ts'

const DAY_MS = 24 * 3_600_000

const test = base.extend<{ databaseUrl: string }>({
  // oxlint-disable-next-line no-empty-pattern -- Fixtures have to destructure what they use.
  databaseUrl: async ({}, use) => {
    await using database = await createTestDatabase()
    await use(database.url)
  },
})

const add = defineTool({
  name: 'add',
  description: 'Adds',
  input: z.object({ n: z.number() }),
  execute: ({ n }) => n + 1,
})
const adder = defineAgent({
  key: 'adder',
  output: z.object({ text: z.string() }),
  async run(ctx) {
    const from = await ctx.step('prepare', () => 'prepared')
    const reply = await toolLoop(ctx, { tools: [add], system: from })
    return { output: { text: reply.text }, messages: reply.messages }
  },
})
const calling = { toolCalls: [{ name: 'add', arguments: { n: 1 } }] }
const ask = [{ role: 'user' as const, content: 'One more than 1?' }]

describe('a run of a test', () => {
  test('goes on while runs below it do, to what one of them waits for', async ({ databaseUrl }) => {
    const below = defineAgent({
      key: 'below',
      waits: { sure: z.boolean() },
      run: async (ctx) => ({ output: (await ctx.wait('sure')).value }),
    })
    const above = defineAgent({
      key: 'above',
      run: async (ctx) => ({ output: (await ctx.runAgent(below)).output }),
    })
    await using runtime = await createTestRuntime({ agents: [above, below], databaseUrl })
    const run = await runtime.run({ agentKey: 'above' })
    expect(run).toMatchObject({ status: 'waiting', waits: [{ name: 'sure', kind: 'input' }] })
    await runtime.client.runs.respond({ runId: run.id, wait: run.waits[0]!.name, value: true })
    expect(await runtime.settle(run.id)).toMatchObject({ status: 'succeeded', output: true })
  })

  test('answers how it ended, with all its events, messages and steps', async ({ databaseUrl }) => {
    const model = createScriptedModel([calling, { text: 'Two.', usage: { inputTokens: 1, outputTokens: 1 } }])
    await using runtime = await createTestRuntime({ agents: [adder], model, databaseUrl })
    const run = await runtime.run({ agentKey: 'adder', messages: ask })
    expect(run).toMatchObject({
      status: 'succeeded',
      output: { text: 'Two.' },
      error: null,
      waits: [],
      usage: { inputTokens: 1, cost: 0 },
      messages: [
        { role: 'assistant' },
        { role: 'tool', content: '2' },
        { role: 'assistant', content: 'Two.' },
      ],
    })
    expect(run.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['run.started', 'tool.call', 'tool.result', 'usage', 'run.succeeded']),
    )
    expect(run.events.map(({ seq }) => seq)).toEqual(run.events.map((_, index) => index + 1))
    expect(run.steps).toMatchObject([
      { name: 'prepare', occurrence: 1, attempt: 1, result: 'prepared' },
      { name: 'model', occurrence: 1 },
      { name: 'tool:add', occurrence: 1 },
      { name: 'model', occurrence: 2 },
    ])
  })

  test('answers one that failed, and one that waits, which goes on', async ({ databaseUrl }) => {
    const asking = defineAgent({
      key: 'asking',
      async run(ctx) {
        const { value } = await ctx.wait('name', z.string())
        if (value === '') throw new Error('nobody')
        return { output: `Hello ${value}` }
      },
    })
    await using runtime = await createTestRuntime({
      agents: [asking],
      databaseUrl,
      config: { maxAttempts: 1 },
    })
    for (const [value, expected] of [
      ['Ada', { status: 'succeeded', output: 'Hello Ada' }],
      ['', { status: 'failed', output: null, error: { code: 'agent_error' } }],
    ] as const) {
      const waiting = await runtime.run({ agentKey: 'asking' })
      expect(waiting).toMatchObject({
        status: 'waiting',
        output: null,
        waits: [{ name: 'name', kind: 'input' }],
      })
      await runtime.client.runs.respond({ runId: waiting.id, wait: waiting.waits[0]!.name, value })
      expect(await runtime.settle(waiting.id)).toMatchObject(expected)
    }
  })
})

describe('time', () => {
  test('is moved on for sleeps, waits and runs for later, and goes on by itself too', async ({
    databaseUrl,
  }) => {
    const patient = defineAgent({
      key: 'patient',
      async run(ctx) {
        await ctx.sleep(3 * DAY_MS)
        const outcome = await ctx.wait('go', z.boolean(), { timeoutMs: DAY_MS })
        return { output: outcome.status }
      },
    })
    await using runtime = await createTestRuntime({ agents: [patient], databaseUrl })
    const { id, status } = await runtime.run({ agentKey: 'patient' })
    expect(status).toBe('waiting')
    await runtime.advance(2 * DAY_MS)
    expect(await runtime.settle(id)).toMatchObject({ status: 'waiting', waits: [{ kind: 'sleep' }] })
    await runtime.advance(DAY_MS)
    expect(await runtime.settle(id)).toMatchObject({ status: 'waiting', waits: [{ name: 'go' }] })
    await runtime.advance(DAY_MS)
    expect(await runtime.settle(id)).toMatchObject({ status: 'succeeded', output: 'timed_out' })

    const quick = await runtime.client.runs.create({
      agentKey: 'patient',
      runAt: new Date(Date.now() + 10 * DAY_MS).toISOString(),
    })
    await runtime.advance(7 * DAY_MS)
    expect(await runtime.settle(quick.id)).toMatchObject({ status: 'waiting' })
  })

  test('lets schedules occur, and runs under way go on', async ({ databaseUrl }) => {
    const held = Promise.withResolvers<void>()
    const nightly = defineAgent({
      key: 'nightly',
      schedules: [{ name: 'night', cron: '0 3 * * *' }],
      run: async () => ({ output: 'done' }),
    })
    const long = defineAgent({
      key: 'long',
      timeoutMs: 20 * DAY_MS,
      async run(ctx) {
        await ctx.emitMessage('begun')
        await held.promise
        return { output: ctx.attempt }
      },
    })
    await using runtime = await createTestRuntime({ agents: [nightly, long], databaseUrl })
    const under = await runtime.client.runs.create({ agentKey: 'long' })
    for await (const { type } of under.events()) if (type === 'assistant.message') break
    await runtime.advance(DAY_MS)
    const listed = () => runtime.client.runs.list({ agentKey: 'nightly' })
    await vi.waitFor(async () => expect((await listed()).items).toMatchObject([{ status: 'succeeded' }]))
    held.resolve()
    expect(await runtime.settle(under.id)).toMatchObject({ status: 'succeeded', output: 1 })
  })
})

describe('a scripted model', () => {
  test('that is asked as its script expects', async ({ databaseUrl }) => {
    const model = createScriptedModel([
      {
        asked: { messages: [{ role: 'system' }, { content: 'One more than 1?' }], tools: [{ name: 'add' }] },
        ...calling,
      },
      { asked: ({ messages }) => expect(messages.at(-1)).toMatchObject({ content: '2' }), text: 'Two.' },
    ])
    await using runtime = await createTestRuntime({ agents: [adder], model, databaseUrl })
    expect(await runtime.run({ agentKey: 'adder', messages: ask })).toMatchObject({
      output: { text: 'Two.' },
    })
  })

  test('that is asked otherwise fails the run at once, and shows what differs', async ({ databaseUrl }) => {
    const model = createScriptedModel([
      { asked: { messages: [{}, { content: 'Two more than 1?' }] }, text: 'Three.' },
      { text: 'never asked' },
    ])
    await using runtime = await createTestRuntime({ agents: [adder], model, databaseUrl })
    const run = runtime.run({ agentKey: 'adder', messages: ask })
    await expect(run).rejects.toThrow(/Request 1 is not what the script expects[^]*One more[^]*Two more/)
    expect(model.requests).toHaveLength(1)
    expect((await runtime.client.runs.list({})).items).toMatchObject([{ status: 'failed', attempt: 1 }])
  })

  test('whose script has run out says so', async ({ databaseUrl }) => {
    const model = createScriptedModel([calling])
    await using runtime = await createTestRuntime({ agents: [adder], model, databaseUrl })
    await expect(runtime.run({ agentKey: 'adder', messages: ask })).rejects.toThrow(
      'The script has 1 turns, but this is request 2.',
    )
  })
})
