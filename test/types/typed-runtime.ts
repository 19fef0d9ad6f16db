// A runtime as an app writes it, for tests that look at types alone.
import { z } from 'zod'
import { createAgentRuntime, defineAgent } from '../../server/index.ts'

const researcher = defineAgent({
  key: 'researcher',
  params: z.object({ depth: z.number().int(), tone: z.enum(['warm', 'terse']).default('warm') }),
  output: z.object({ report: z.string(), sources: z.array(z.string()) }),
  events: { 'research.progress': { schema: z.object({ percent: z.number() }) } },
  run: async () => ({ output: { report: '', sources: [] } }),
})

const greeter = defineAgent({
  key: 'greeter',
  params: z.object({ name: z.string().optional() }),
  output: z.object({ greeting: z.string() }),
  run: async () => ({ output: { greeting: '' } }),
})

const bare = defineAgent({ key: 'bare', run: async () => {} })

export const runtime = createAgentRuntime({ agents: [researcher, greeter, bare] })
