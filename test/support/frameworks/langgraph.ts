import { tool } from '@langchain/core/tools'
import { MessagesAnnotation, START, StateGraph, interrupt } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { ChatOpenAI } from '@langchain/openai'
import { z } from 'zod'
import { runGraph } from '../../../server/frameworks/langgraph/index.ts'
import { defineAgent } from '../../../server/index.ts'
import { lookUp, send } from './effects.ts'
import type { FrameworkPorts } from './effects.ts'

export function langgraph(ports: FrameworkPorts) {
  const tools = [
    tool(({ city }) => lookUp(ports, city), {
      name: 'look_up',
      description: 'The weather of a city',
      schema: z.object({ city: z.string() }),
    }),
    tool(
      async ({ to }) => {
        const isApproved: unknown = interrupt({ question: 'Send it?', to })
        return isApproved === true ? await send(ports, to) : 'It was not approved.'
      },
      { name: 'send', description: 'Sends what was found out', schema: z.object({ to: z.string() }) },
    ),
  ]
  const model = new ChatOpenAI({
    model: 'm',
    apiKey: 'key',
    maxRetries: 0,
    configuration: { baseURL: ports.providerUrl },
  }).bindTools(tools)
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode('tools', new ToolNode(tools))
    .addEdge(START, 'model')
    .addConditionalEdges('model', toolsCondition)
    .addEdge('tools', 'model')
    .compile()
  return defineAgent({
    key: 'langgraph',
    async run(ctx) {
      const { text, messages } = await runGraph(ctx, graph)
      return { output: text, messages }
    },
  })
}
