import { Agent, OpenAIChatCompletionsModel, tool } from '@openai/agents'
import OpenAI from 'openai'
import { z } from 'zod'
import { runAgent } from '../../../server/frameworks/openai-agents/index.ts'
import { defineAgent } from '../../../server/index.ts'
import { lookUp, send } from './effects.ts'
import type { FrameworkPorts } from './effects.ts'

export function openaiAgents(ports: FrameworkPorts) {
  const client = new OpenAI({ apiKey: 'key', baseURL: ports.providerUrl, maxRetries: 0 })
  const agent = new Agent({
    name: 'Weather',
    model: new OpenAIChatCompletionsModel(client, 'm'),
    tools: [
      tool({
        name: 'look_up',
        description: 'The weather of a city',
        parameters: z.object({ city: z.string() }),
        execute: ({ city }) => lookUp(ports, city),
      }),
      tool({
        name: 'send',
        description: 'Sends what was found out',
        parameters: z.object({ to: z.string() }),
        needsApproval: true,
        execute: ({ to }) => send(ports, to),
      }),
    ],
  })
  return defineAgent({
    key: 'openai-agents',
    async run(ctx) {
      const { output, messages } = await runAgent(ctx, agent)
      return { output, messages }
    },
  })
}
