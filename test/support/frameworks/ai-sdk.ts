import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ToolLoopAgent, tool } from 'ai'
import { z } from 'zod'
import { runAISDK } from '../../../server/frameworks/ai-sdk/index.ts'
import { defineAgent } from '../../../server/index.ts'
import { lookUp, send } from './effects.ts'
import type { FrameworkPorts } from './effects.ts'

export function aiSDK(ports: FrameworkPorts) {
  const provider = createOpenAICompatible({
    name: 'fake',
    apiKey: 'key',
    baseURL: ports.providerUrl,
    includeUsage: true,
  })
  const parts = {
    model: provider('m'),
    tools: {
      look_up: tool({
        description: 'The weather of a city',
        inputSchema: z.object({ city: z.string() }),
        execute: ({ city }) => lookUp(ports, city),
      }),
      send: tool({
        description: 'Sends what was found out',
        inputSchema: z.object({ to: z.string() }),
        needsApproval: true,
        execute: ({ to }) => send(ports, to),
      }),
    },
  }
  return defineAgent({
    key: 'ai-sdk',
    async run(ctx) {
      const { text, messages } = await runAISDK(ctx, parts, ({ model, tools, ...call }) =>
        new ToolLoopAgent({ model, tools }).stream(call),
      )
      return { output: text, messages }
    },
  })
}
