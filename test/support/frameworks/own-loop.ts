import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../server/index.ts'
import { createOpenAIModel } from '../../../server/models/openai/index.ts'
import { lookUp, send } from './effects.ts'
import type { FrameworkPorts } from './effects.ts'

export function ownLoop(ports: FrameworkPorts) {
  const model = createOpenAIModel({ apiKey: 'key', baseURL: ports.providerUrl, model: 'm' })
  const tools = [
    defineTool({
      name: 'look_up',
      description: 'The weather of a city',
      input: z.object({ city: z.string() }),
      execute: ({ city }) => lookUp(ports, city),
    }),
    defineTool({
      name: 'send',
      description: 'Sends what was found out',
      input: z.object({ to: z.string() }),
      needsApproval: true,
      execute: ({ to }) => send(ports, to),
    }),
  ]
  return defineAgent({
    key: 'own-loop',
    async run(ctx) {
      const { text, messages } = await toolLoop(ctx, { model, tools })
      return { output: text, messages }
    },
  })
}
