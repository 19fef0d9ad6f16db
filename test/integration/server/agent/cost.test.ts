import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import { createAgentRuntime } from '../../../../server/runtime/create-runtime.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { ScriptedAnswer, ScriptedTurn } from '../../../../server/models/scripted.ts'
import { ModelError } from '../../../../server/ports/model.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'

/** Each costs 0.3 at these prices. */
const usage = { inputTokens: 100_000, outputTokens: 10_000, cachedInputTokens: 50_000 }
const prices = { 'own/priced': { input: 3, output: 12, cacheRead: 0.6 } }
const own = { provider: 'own', name: 'priced' }

const look = defineTool({ name: 'look', description: 'Looks', input: z.object({}), execute: () => 'seen' })
const calling: ScriptedAnswer = { toolCalls: [{ name: 'look', arguments: {} }], usage }
const done: ScriptedAnswer = { text: 'Done.', usage }

const looper = defineAgent({
  key: 'looper',
  maxAttempts: 3,
  async run(ctx) {
    const { text, usage: used } = await toolLoop(ctx, { tools: [look] })
    if (ctx.attempt === 1) throw new Error('once')
    return { output: { text, cost: used.cost ?? null } }
  },
})
const asking = defineAgent({
  key: 'asking',
  async run(ctx) {
    const { usage: used } = await ctx.llm('full/model', 'other/model').generate('Hm?')
    await ctx.llm.generate('Hm?')
    return { output: { cost: used.cost ?? null } }
  },
})

describe('what models cost', () => {
  test('is told by usage events and with the run, over its attempts, in REST and tRPC', async ({
    createServer,
  }) => {
    const model = createScriptedModel([calling, done], own)
    const { rest, trpc } = await createServer({ agents: [looper], model, prices })
    const id = await rest.create('looper')
    const events = await rest.events(`runs/${id}/events?include_all=1`)
    expect(events.filter(({ type }) => type === 'usage').map((event) => event['cost'])).toEqual([0.3, 0.3])
    const total = {
      input_tokens: 200_000,
      output_tokens: 20_000,
      total_tokens: 220_000,
      cached_input_tokens: 100_000,
      cost: 0.6,
    }
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', usage: total, output: { cost: 0.6 } })
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({ attempt: 2, output: { usage: total } })
    expect((await trpc.client.runs.get.query({ runId: id })).usage).toEqual({
      inputTokens: 200_000,
      outputTokens: 20_000,
      cachedInputTokens: 100_000,
      cost: 0.6,
    })
  })

  test('is null where one of them has no price, and that of the model that answered', async ({
    createServer,
  }) => {
    const busy = { error: new ModelError('full', { code: 'overloaded', retriable: true }) }
    const { rest } = await createServer({
      agents: [asking],
      model: createScriptedModel([{ text: 'Two.', usage }], own),
      models: {
        full: createScriptedModel([busy], { provider: 'own', name: 'priced' }),
        other: createScriptedModel([{ text: 'One.', usage }], { provider: 'other', name: 'model' }),
      },
      prices,
    })
    const id = await rest.create('asking')
    const events = await rest.events(`runs/${id}/events?include_all=1`)
    expect(events.filter(({ type }) => type === 'usage').map((event) => event['cost'])).toEqual([null, 0.3])
    expect(events.at(-1)).toMatchObject({
      output: { cost: null },
      usage: { input_tokens: 200_000, cost: null },
    })
  })

  test('counts as the agent says where it asks by other means', async ({ createServer }) => {
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const tokens = { model: 'mine', inputTokens: 1, outputTokens: 1 }
        await ctx.emit('usage', { ...tokens, cost: 0.1 })
        await ctx.emit('usage', { ...tokens, cost: 0.2 })
      },
    })
    const { rest } = await createServer({ agents: [agent], model: createScriptedModel([]) })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events?include_all=1`)).at(-1)).toMatchObject({
      usage: { cost: 0.3 },
    })
  })

  test('invalid prices are refused at once', () => {
    for (const wrong of [{ nameless: { input: 1, output: 1 } }, { 'a/b': { input: -1, output: 1 } }]) {
      expect(() => createAgentRuntime({ agents: [], prices: wrong })).toThrow(/^prices\["/)
    }
  })
})

describe('a budget of cost', () => {
  const over = (used: number | null) => ({
    status: 'failed',
    error: { type: 'budget_exceeded', details: { budget: 'cost', limit: 0.5, used } },
  })
  const play = async (
    turns: readonly ScriptedTurn[],
    { createServer }: { createServer: CreateServer },
    names = own,
  ) => {
    const model = createScriptedModel(turns, names)
    const { rest } = await createServer({ agents: [looper], model, prices })
    const id = await rest.create('looper', { budget: { cost: 0.5 } })
    await rest.events(`runs/${id}/events`)
    return { asked: model.requests.length, body: (await rest.get(`runs/${id}`)).body }
  }

  test('lets no model be asked once it is used up', async ({ createServer }) => {
    const { asked, body } = await play([calling, calling, done], { createServer })
    expect(body).toMatchObject(over(0.6))
    expect(asked).toBe(2)
  })

  test('counts the attempts before', async ({ createServer }) => {
    const agent = defineAgent({
      key: 'again',
      budget: { cost: 0.5 },
      maxAttempts: 5,
      async run(ctx) {
        await ctx.llm.generate('Hm?')
        throw new Error('again')
      },
    })
    const model = createScriptedModel([done, done, done], own)
    const { rest } = await createServer({ agents: [agent], model, prices })
    const id = await rest.create('again')
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({ ...over(0.6), attempt: 3 })
  })

  test('ends with an answer whose cost is not known: it could not be kept', async ({ createServer }) => {
    const { asked, body } = await play([calling, done], { createServer }, { provider: 'own', name: 'free?' })
    expect(body).toMatchObject(over(null))
    expect(asked).toBe(1)
  })

  test('and with an answer whose tokens nobody counted', async ({ createServer }) => {
    const uncounted = { ...calling, usage: { inputTokens: 0, outputTokens: 0 } }
    const { body } = await play([uncounted], { createServer })
    expect(body).toMatchObject(over(null))
  })
})
