// A page with the hooks of an agent that echoes, for a user or a visitor, over a real server.
import '../../unit/react/dom.ts'
import { QueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { StrictMode } from 'react'
import { z } from 'zod'
import { createAgentClient, textOf } from '../../../client/index.ts'
import { createAgentHooks } from '../../../react/index.ts'
import { defineAgent } from '../../../server/index.ts'
import type { AgentRuntime, ShapeOfAgent } from '../../../server/index.ts'
import { hostRuntimes } from '../../support/node-host.ts'
import { test as base } from '../../support/runtime.ts'

export const PATIENCE = { timeout: 20_000 }

const echo = defineAgent({
  key: 'echo',
  description: 'Says it again.',
  params: z.object({ times: z.number().default(1) }),
  async run(ctx) {
    const said = textOf(ctx.messages.at(-1))
    if (said === 'fail') throw new Error('as it was asked to')
    if (said === 'ask') await ctx.wait('go', z.boolean())
    if (said === 'ask both') {
      const both = await Promise.all([ctx.wait('go', z.boolean()), ctx.wait('go', z.boolean())])
      return { messages: [{ role: 'assistant', content: both.map(({ value }) => value).join() }] }
    }
    if (said === 'ask twice') {
      const first = await ctx.wait('go', z.boolean())
      const second = await ctx.wait('go', z.boolean())
      return { messages: [{ role: 'assistant', content: `${first.value},${second.value}` }] }
    }
    if (said === 'hush') return {}
    const content = said.repeat(ctx.params.times)
    if (said !== 'show') return { messages: [{ role: 'assistant', content }] }
    await ctx.emitMessage(content)
    return {}
  },
})

type Runtime = AgentRuntime<ShapeOfAgent<typeof echo>>

const { AgentProvider, ...hooks } = createAgentHooks<Runtime>()

export const { useAgentRun, useAgents, useAgentSession, useConversation, useConversations, useRuns } = hooks

export interface Page {
  /** The id of the user. Null for a visitor. */
  user: string | null
  client: ReturnType<typeof createAgentClient<Runtime>>
  storage: Map<string, string>
  /** Passes on the page's requests. A test may replace it. */
  fetch(url: string, init?: RequestInit): Promise<Response>
  wrapper(props: { children: ReactNode }): ReactNode
}

export const test = base.extend<{ page: Page }>({
  page: async ({ createServer }, use) => {
    const { runtime } = await createServer({
      agents: [echo],
      anonymousSessions: true,
      authenticate: (request: Request) => {
        const id = request.headers.get('x-cookie')
        return id === null ? null : { id, tenantId: '', kind: 'user' as const }
      },
    })
    await using host = await hostRuntimes(runtime)
    const storage = new Map<string, string>()
    const queryClient = new QueryClient()
    const page: Page = {
      user: 'ada',
      storage,
      fetch: globalThis.fetch,
      client: createAgentClient<Runtime>({
        url: `${host.url}/trpc`,
        transport: 'sse',
        fetch: (url, init) => page.fetch(url instanceof Request ? url.url : `${url}`, init),
        headers: () => (page.user === null ? {} : { 'x-cookie': page.user }),
        anonymous: {
          storage: {
            getItem: (key) => storage.get(key) ?? null,
            setItem: (key, value) => void storage.set(key, value),
            removeItem: (key) => void storage.delete(key),
          },
        },
      }),
      wrapper: ({ children }) => (
        <StrictMode>
          <AgentProvider client={page.client} identity={page.user} queryClient={queryClient}>
            {children}
          </AgentProvider>
        </StrictMode>
      ),
    }
    await use(page)
  },
})

export const user = (content: string) => [{ role: 'user' as const, content }]
