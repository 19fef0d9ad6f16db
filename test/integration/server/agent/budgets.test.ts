import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import type { Budget, Model } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { ScriptedAnswer } from '../../../../server/models/scripted.ts'
import { test } from '../../../support/runtime.ts'

const usage = { inputTokens: 400, outputTokens: 100 }
const calling = (count: number): ScriptedAnswer => ({
  toolCalls: Array.from({ length: count }, () => ({ name: 'look', arguments: {} })),
  usage,
})
const done: ScriptedAnswer = { text: 'Done.', usage }

function createLoop(options: { budget?: Budget; maxAttempts?: number; model?: Model } = {}) {
  const { model, ...rest } = options
  const ran = vi.fn<() => string>(() => 'seen')
  const look = defineTool({ name: 'look', description: 'Looks', input: z.object({}), execute: () => ran() })
  const agent = defineAgent({
    key: 'looper',
    ...rest,
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools: [look], ...(model && { model }) }).catch(() => null)
      // The agent may catch anything and still cannot continue.
      return { output: reply === null ? 'went on' : reply.text }
    },
  })
  return { agent, ran }
}

const exceeded = (budget: string, limit: number, used: number) => ({
  status: 'failed',
  attempt: expect.any(Number) as number,
  output: {},
  error: { type: 'budget_exceeded', details: { budget, limit, used } },
})

describe('a budget of tokens', () => {
  test('lets no model be asked once it is used up; the answer that uses it up counts', async ({
    createServer,
  }) => {
    const model = createScriptedModel([calling(1), calling(1), done, calling(1), done])
    const { agent, ran } = createLoop({ budget: { tokens: 1_000 }, maxAttempts: 3 })
    const { rest } = await createServer({ agents: [agent], model })
    const over = await rest.create('looper')
    const events = await rest.events(`runs/${over}/events?include_all=1`)
    expect((await rest.get(`runs/${over}`)).body).toMatchObject({
      ...exceeded('tokens', 1_000, 1_000),
      attempt: 1,
      budget: { tokens: 1_000, tool_calls: null, cost: null },
    })
    expect(events.at(-1)).toMatchObject({
      type: 'run.failed',
      code: 'budget_exceeded',
      details: { budget: 'tokens', limit: 1_000, used: 1_000 },
    })
    expect([model.requests.length, ran.mock.calls.length]).toEqual([2, 2])
  })

  test('counts the last answer no more than it has to', async ({ createServer }) => {
    const model = createScriptedModel([calling(1), done])
    const { agent } = createLoop({ budget: { tokens: 501 } })
    const { rest } = await createServer({ agents: [agent], model })
    const id = await rest.create('looper')
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: 'Done.' },
    })
  })

  test('holds for a model of the loop’s own, and for calls that the agent makes itself', async ({
    createServer,
  }) => {
    const own = createScriptedModel([calling(1), done])
    const shared = createScriptedModel([done, done])
    const { agent } = createLoop({ budget: { tokens: 500 }, model: own })
    const asking = defineAgent({
      key: 'asking',
      budget: { tokens: 500 },
      async run(ctx) {
        for (let call = 0; call < 2; call += 1) {
          for await (const _ of ctx.llm.stream({ messages: [] }, ctx.signal)) continue
        }
        return { output: 'went on' }
      },
    })
    const { rest } = await createServer({ agents: [agent, asking], model: shared })
    for (const key of ['looper', 'asking']) {
      const id = await rest.create(key)
      const events = await rest.events(`runs/${id}/events?include_debug=1`)
      expect((await rest.get(`runs/${id}`)).body).toMatchObject(exceeded('tokens', 500, 500))
      expect(events.filter(({ type }) => type === 'usage')).toMatchObject([
        { model: 'scripted', input_tokens: 400, output_tokens: 100 },
      ])
    }
    expect([own.requests.length, shared.requests.length]).toEqual([1, 1])
  })

  test('is one over all attempts and waits', async ({ createServer }) => {
    const model = createScriptedModel([done, done, done, done])
    const failing = defineAgent({
      key: 'failing',
      budget: { tokens: 1_500 },
      maxAttempts: 10,
      async run(ctx) {
        for await (const _ of ctx.llm.stream({ messages: [] }, ctx.signal)) continue
        if (ctx.attempt === 1) throw new Error('once')
        await ctx.sleep(1)
        throw new Error('again')
      },
    })
    const { rest } = await createServer({ agents: [failing], model })
    const id = await rest.create('failing')
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      ...exceeded('tokens', 1_500, 1_500),
      attempt: 4,
    })
    expect(model.requests).toHaveLength(3)
  })
})

describe('a budget of tool calls', () => {
  test('has none run of an answer that asks for more than are left', async ({ createServer }) => {
    const model = createScriptedModel([calling(2), calling(2)])
    const { agent, ran } = createLoop({ budget: { toolCalls: 3 }, maxAttempts: 3 })
    const { rest } = await createServer({ agents: [agent], model })
    const id = await rest.create('looper')
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({ ...exceeded('toolCalls', 3, 4), attempt: 1 })
    expect(ran).toHaveBeenCalledTimes(2)
  })

  test('counts earlier work once, in any attempt', async ({ createServer }) => {
    const model = createScriptedModel([calling(2), done])
    const look = defineTool({ name: 'look', description: 'Looks', input: z.object({}), execute: () => 1 })
    const agent = defineAgent({
      key: 'agent',
      budget: { toolCalls: 2, tokens: 1_000 },
      maxAttempts: 3,
      async run(ctx) {
        const { text } = await toolLoop(ctx, { tools: [look] })
        if (ctx.attempt < 3) throw new Error('not yet')
        return { output: text }
      },
    })
    const { rest } = await createServer({ agents: [agent], model })
    const id = await rest.create('agent')
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: 'Done.' },
      attempt: 3,
    })
  })
})

describe('what a caller asks for', () => {
  test('is within the agent’s, or what limits say', async ({ createServer }) => {
    const plain = defineAgent({ key: 'plain', run: async () => {} })
    const bounded = defineAgent({
      key: 'bounded',
      budget: { tokens: 1_000, toolCalls: 5 },
      run: async () => {},
    })
    const open = await createServer({ agents: [plain, bounded], worker: false })
    const limited = await createServer({
      agents: [plain, bounded],
      worker: false,
      limits: () => ({ budget: { tokens: 2_000, toolCalls: 3, cost: 2 } }),
    })
    const cases = [
      [open, 'plain', undefined, null],
      [open, 'plain', { tokens: 7 }, { tokens: 7, tool_calls: null, cost: null }],
      [open, 'plain', { cost: 0.5 }, { tokens: null, tool_calls: null, cost: 0.5 }],
      [open, 'plain', { tokens: null, tool_calls: 0 }, { tokens: null, tool_calls: 0, cost: null }],
      [open, 'bounded', undefined, { tokens: 1_000, tool_calls: 5, cost: null }],
      [open, 'bounded', { tokens: 500, cost: 0.1 }, { tokens: 500, tool_calls: 5, cost: 0.1 }],
      [open, 'bounded', { tokens: 1_001 }, 'budget.tokens'],
      [open, 'bounded', { tool_calls: 6 }, 'budget.tool_calls'],
      [open, 'plain', { tokens: 0 }, 'budget.tokens'],
      [open, 'plain', { tokens: 1.5 }, 'budget.tokens'],
      [open, 'plain', { cost: 0 }, 'budget.cost'],
      [open, 'plain', { cost: 1e9 }, 'budget.cost'],
      [limited, 'plain', undefined, { tokens: 2_000, tool_calls: 3, cost: 2 }],
      [limited, 'plain', { cost: 2.5 }, 'budget.cost'],
      [limited, 'bounded', undefined, { tokens: 1_000, tool_calls: 3, cost: 2 }],
      [limited, 'bounded', { tokens: 2_000 }, { tokens: 2_000, tool_calls: 3, cost: 2 }],
      [limited, 'bounded', { tokens: 2_001 }, 'budget.tokens'],
    ] as const
    for (const [{ rest }, agent, budget, expected] of cases) {
      const { status, body } = await rest.post('runs', { agent_key: agent, ...(budget && { budget }) })
      const said = status === 201 ? body['budget'] : (body['details'] as { path: string }[])[0]?.path
      expect([agent, budget, said]).toEqual([agent, budget, expected])
    }
    expect((await open.rest.post('runs', { agent_key: 'plain', budget: { tokens: 'five' } })).status).toBe(
      400,
    )
    const { budget } = await open.trpc.client.runs.create.mutate({
      agentKey: 'plain',
      budget: { toolCalls: 2 },
    })
    expect(budget).toEqual({ toolCalls: 2 })
  })

  test('and what an agent has is checked where it is defined', () => {
    for (const budget of [
      { tokens: 0 },
      { toolCalls: -1 },
      { cost: 0 },
      { cost: Infinity },
      { token: 5 },
      { tokens: Number.NaN },
    ]) {
      expect(() => defineAgent({ key: 'wrong', budget, run: async () => {} })).toThrow(/budget is not valid/)
    }
  })
})
