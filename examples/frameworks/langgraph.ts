import { tool } from '@langchain/core/tools'
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { ChatOpenAI } from '@langchain/openai'
import { z } from 'zod'
import { runGraph } from '../../server/frameworks/langgraph/index.ts'
import { defineAgent } from '../../server/index.ts'
import { apiKey, baseURL, modelName } from './provider.ts'

const getWeather = tool(({ city }) => `clear over ${city}`, {
  name: 'get_weather',
  description: 'The weather of a city',
  schema: z.object({ city: z.string() }),
})

const model = new ChatOpenAI({ model: modelName, apiKey, configuration: { baseURL } })
const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async ({ messages }) => ({
    messages: [await model.bindTools([getWeather]).invoke(messages)],
  }))
  .addNode('tools', new ToolNode([getWeather]))
  .addEdge(START, 'model')
  .addConditionalEdges('model', toolsCondition)
  .addEdge('tools', 'model')
  .compile()

export const langgraph = defineAgent({
  key: 'langgraph',
  async run(ctx) {
    const { text, messages } = await runGraph(ctx, graph)
    return { output: text, messages }
  },
})
