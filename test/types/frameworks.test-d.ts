import { Annotation, START, StateGraph } from '@langchain/langgraph'
import { expectTypeOf, test } from 'vitest'
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
