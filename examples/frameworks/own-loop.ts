import { z } from 'zod'
import { createOpenAIModel } from '../../server/models/openai/index.ts'
import { defineAgent, defineTool, toolLoop } from '../../server/index.ts'
import { apiKey, baseURL, modelName } from './provider.ts'

const getWeather = defineTool({
  name: 'get_weather',
  description: 'The weather of a city',
  input: z.object({ city: z.string() }),
  execute: ({ city }) => `clear over ${city}`,
})

export const ownLoop = defineAgent({
  key: 'own-loop',
  async run(ctx) {
    const model = createOpenAIModel({ apiKey, baseURL, model: modelName })
    const { text, messages } = await toolLoop(ctx, { model, tools: [getWeather] })
    return { output: text, messages }
  },
})
