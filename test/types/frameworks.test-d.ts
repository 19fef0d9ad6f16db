import { Annotation, START, StateGraph } from '@langchain/langgraph'
import { expectTypeOf, test } from 'vitest'
import { Agent } from '@openai/agents'
import { ToolLoopAgent, streamText } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { z } from 'zod'
import { runAISDK } from '../../server/frameworks/ai-sdk/index.ts'
import { runAgent } from '../../server/frameworks/openai-agents/index.ts'
import { runGraph } from '../../server/frameworks/langgraph/index.ts'
import { defineAgent } from '../../server/index.ts'

test('a graph ends with its state, and nothing but a graph is run', () => {
  const graph = new StateGraph(Annotation.Root({ count: Annotation<number> }))
    .addNode('count', () => ({ count: 1 }))
    .addEdge(START, 'count')
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      const { state, text } = await runGraph(ctx, graph.compile(), { input: { count: 0 } })
      expectTypeOf(state.count).toEqualTypeOf<number>()
      expectTypeOf(text).toEqualTypeOf<string>()
      // @ts-expect-error it is not compiled
      await runGraph(ctx, graph)
      // @ts-expect-error signal and callbacks are the run's
      await runGraph(ctx, graph.compile(), { config: { signal: ctx.signal } })
      // @ts-expect-error there is no such option
      await runGraph(ctx, graph.compile(), { inputs: {} })
    },
  })
  expectTypeOf(agent.key).toEqualTypeOf<'agent'>()
})

test('an agent of OpenAI answers in the form that it declares', () => {
  const plain = new Agent({ name: 'Plain' })
  const formed = new Agent({ name: 'Formed', outputType: z.object({ city: z.string() }) })
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      expectTypeOf((await runAgent(ctx, plain)).output).toEqualTypeOf<string>()
      expectTypeOf((await runAgent(ctx, formed)).output).toEqualTypeOf<{ city: string }>()
      // @ts-expect-error there is no such option
      await runAgent(ctx, plain, { turns: 1 })
      // @ts-expect-error it is no agent
      await runAgent(ctx, {})
    },
  })
  expectTypeOf(agent.key).toEqualTypeOf<'agent'>()
})

test('an agent of the AI SDK is made of the model and tools that it is given', () => {
  const model = new MockLanguageModelV4()
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      const { text } = await runAISDK(ctx, { model }, ({ model, tools, ...call }) =>
        new ToolLoopAgent({ model, tools }).stream(call),
      )
      expectTypeOf(text).toEqualTypeOf<string>()
      await runAISDK(ctx, { model }, ({ model, messages }) => streamText({ model, messages }))
      // @ts-expect-error a name is no model
      await runAISDK(ctx, { model: 'gpt-5.6-terra' }, (call) => streamText(call))
      // @ts-expect-error nothing is streamed
      await runAISDK(ctx, { model }, () => 'text')
    },
  })
  expectTypeOf(agent.key).toEqualTypeOf<'agent'>()
})
