import { Agent, OpenAIChatCompletionsModel, tool } from '@openai/agents'
import OpenAI from 'openai'
import { z } from 'zod'
import { runAgent } from '../../server/frameworks/openai-agents/index.ts'
import { defineAgent } from '../../server/index.ts'
import { apiKey, baseURL, modelName } from './provider.ts'

const getWeather = tool({
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => `clear over ${city}`,
})

const assistant = new Agent({
  name: 'Weather',
  model: new OpenAIChatCompletionsModel(new OpenAI({ apiKey, baseURL }), modelName),
  tools: [getWeather],
})

export const openaiAgents = defineAgent({
  key: 'openai-agents',
  async run(ctx) {
    const { output, messages } = await runAgent(ctx, assistant)
    return { output, messages }
  },
})
