import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ToolLoopAgent, tool } from 'ai'
import { z } from 'zod'
import { runAISDK } from '../../server/frameworks/ai-sdk/index.ts'
import { defineAgent } from '../../server/index.ts'
import { apiKey, baseURL, modelName } from './provider.ts'

const getWeather = tool({
  description: 'The weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => `clear over ${city}`,
})

const provider = createOpenAICompatible({ name: 'openai', apiKey, baseURL, includeUsage: true })
const parts = { model: provider(modelName), tools: { get_weather: getWeather } }

export const aiSDK = defineAgent({
  key: 'ai-sdk',
  async run(ctx) {
    const { text, messages } = await runAISDK(ctx, parts, ({ model, tools, ...call }) =>
      new ToolLoopAgent({ model, tools }).stream(call),
    )
    return { output: text, messages }
  },
})
