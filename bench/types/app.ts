// An app with this many agents, and the least that answers the same: as many procedures of a tRPC router.

export interface App {
  /** A module that runs on the server, and one that runs in a page. */
  files: Record<'server.ts' | 'page.ts', string>
}

const params = (at: number) =>
  `z.object({ tone: z.enum(['warm', 'terse']).default('warm'), topic${at}: z.string() })`
const OUTPUT = 'z.object({ response: z.string(), score: z.number(), at: z.date() })'

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

const agent = (at: number) => `const agent${at} = defineAgent({
  key: 'agent${at}',
  params: ${params(at)},
  output: ${OUTPUT},
  events: { 'progress${at}': { schema: z.object({ percent: z.number(), note${at}: z.string().optional() }) } },
  async run(ctx) {
    ctx.emit('progress${at}', { percent: 1 })
    return { output: { response: ctx.params.topic${at}, score: 1, at: new Date() } }
  },
})`

/** What a page does with the agents. */
export const PAGES = {
  client: `
import { createAgentClient } from 'trpc-agent-runtime/client'
import type { runtime } from './server.ts'
const client = createAgentClient<typeof runtime>({ url: '/trpc' })
const run = await client.runs.create({ agentKey: 'agent0', messages: [], params: { topic0: 'x' } })
for await (const event of run.events()) if (event.type === 'progress0') event.payload.percent.toFixed()
const { score } = await run.result()
export { score }`,
  'client.trpc': `
import { createAgentClient } from 'trpc-agent-runtime/client'
import type { runtime } from './server.ts'
const { trpc } = createAgentClient<typeof runtime>({ url: '/trpc' })
export const run = await trpc.runs.create.mutate({ agentKey: 'agent0', messages: [], params: { topic0: 'x' } })`,
  useAgentRun: `
import { createAgentHooks } from 'trpc-agent-runtime/react'
import type { runtime } from './server.ts'
const { useAgentRun } = createAgentHooks<typeof runtime>()
export function usePage() {
  const { start, output, events } = useAgentRun({ agentKey: 'agent0' })
  void start({ messages: [], params: { topic0: 'x' } })
  return [output?.score, events]
}`,
} as const

export function appOfAgents(count: number, page: keyof typeof PAGES): App {
  const names = numbers(count).map((at) => `agent${at}`)
  return {
    files: {
      'server.ts': `import { z } from 'zod'
import { createAgentRuntime, defineAgent } from 'trpc-agent-runtime/server'
${numbers(count).map(agent).join('\n')}
export const runtime = createAgentRuntime({ agents: [${names.join(', ')}] })`,
      'page.ts': PAGES[page],
    },
  }
}

export function appOfProcedures(count: number): App {
  const names = numbers(count).map((at) => `procedure${at}`)
  const procedure = (at: number) => `const procedure${at} = t.procedure.input(${params(at)}).output(${OUTPUT})
  .mutation(({ input }) => ({ response: input.topic${at}, score: 1, at: new Date() }))`
  return {
    files: {
      'server.ts': `import { initTRPC } from '@trpc/server'
import { z } from 'zod'
const t = initTRPC.create()
${numbers(count).map(procedure).join('\n')}
export const router = t.router({ ${names.join(', ')} })`,
      'page.ts': `
import { createTRPCClient, httpLink } from '@trpc/client'
import type { router } from './server.ts'
const client = createTRPCClient<typeof router>({ links: [httpLink({ url: '/trpc' })] })
export const { score } = await client.procedure0.mutate({ topic0: 'x' })`,
    },
  }
}
