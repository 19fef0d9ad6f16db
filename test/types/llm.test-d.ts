import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { createAgentRuntime, defineAgent, hasToolCall, PRICES, toolLoop } from '../../server/index.ts'

test('an answer has the type of its schema, and none without one', () => {
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      const city = await ctx.llm.generate('Where?', { schema: z.object({ city: z.string() }) })
      expectTypeOf(city.object).toEqualTypeOf<{ city: string }>()
      const perhaps = await ctx.llm.generate('Where?', { schema: z.object({ city: z.string() }), tools: [] })
      expectTypeOf(perhaps.object).toEqualTypeOf<{ city: string } | undefined>()
      const plain = await ctx.llm('openai/gpt-5.6-terra').generate(ctx.messages, { temperature: 0 })
      expectTypeOf(plain.object).toEqualTypeOf<undefined>()
      await toolLoop(ctx, { model: ctx.llm('a/b', 'c/d'), reasoningEffort: 'low' })
      await toolLoop(ctx, { toolInput: true })
      // @ts-expect-error it is told, or not
      await toolLoop(ctx, { toolInput: 'debug' })
      const reply = await toolLoop(ctx, {
        prepareStep: ({ step, steps }) =>
          step === 1
            ? { toolChoice: 'required' }
            : { tools: steps[0]?.toolCalls.map(({ name }) => name) ?? [] },
        stopWhen: [hasToolCall('finish'), ({ usage }) => usage.outputTokens > 100],
        compaction: {
          contextWindow: 100_000,
          model: ctx.llm('a/b'),
          summarise: ({ messages }) => `${messages.length}`,
        },
      })
      expectTypeOf(reply.finishReason).toExtend<string>()
      // @ts-expect-error there is no such choice
      await toolLoop(ctx, { prepareStep: () => ({ toolChoice: 'any' }) })
      // @ts-expect-error it says whether to stop
      await toolLoop(ctx, { stopWhen: () => 'yes' })
      // @ts-expect-error a summary is text
      await toolLoop(ctx, { compaction: { summarise: () => 1 } })
      // @ts-expect-error it is of some tool
      hasToolCall()
      // @ts-expect-error a chain has a first model
      ctx.llm()
      // @ts-expect-error there is no such effort
      await ctx.llm.generate('Where?', { reasoningEffort: 'huge' })
      // @ts-expect-error a schema is zod's
      await ctx.llm.generate('Where?', { schema: { type: 'object' } })
    },
  })
  expectTypeOf(agent.key).toEqualTypeOf<'agent'>()
})

test('a budget and a price have no fields but their own', () => {
  const run = async () => {}
  const agent = defineAgent({ key: 'agent', budget: { cost: 0.5, tokens: 100 }, run })
  expectTypeOf(agent.budget?.cost).toEqualTypeOf<number | undefined>()
  // @ts-expect-error there is no such budget
  defineAgent({ key: 'agent', budget: { dollars: 1 }, run })
  createAgentRuntime({ agents: [], prices: { ...PRICES, 'a/b': { input: 1, output: 2 } } })
  // @ts-expect-error what is said has a price too
  createAgentRuntime({ agents: [], prices: { 'a/b': { input: 1 } } })
})
