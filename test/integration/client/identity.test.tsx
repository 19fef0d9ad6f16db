// A page whose user changes, over real sockets. Only a cookie names the user, so the client's headers don't change.
import '../../unit/react/dom.ts'
import { QueryClient } from '@tanstack/react-query'
import { renderHook, waitFor } from '@testing-library/react'
import { StrictMode } from 'react'
import type { ReactNode } from 'react'
import { expect } from 'vitest'
import { WebSocket } from 'ws'
import { createAgentClient } from '../../../client/create-client.ts'
import { createAgentHooks } from '../../../react/create-agent-hooks.ts'
import { defineAgent } from '../../../server/index.ts'
import { hostRuntimes } from '../../support/node-host.ts'
import { test } from '../../support/runtime.ts'

const PATIENCE = { timeout: 20_000 }

const speaker = defineAgent({
  key: 'speaker',
  async run(ctx) {
    await ctx.emitMessage(`for ${ctx.principal.id}`)
    // It goes on, like a run that somebody watches.
    await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
  },
})

test('a page whose user changes shows nothing of the former user, and gets no more of it', async ({
  createServer,
}) => {
  const { runtime } = await createServer({
    agents: [speaker],
    authenticate: (request: Request) => {
      const id = /user=(\w+)/.exec(request.headers.get('cookie') ?? '')?.[1]
      return id === undefined ? null : { id, tenantId: 'acme', kind: 'user' as const }
    },
  })
  await using host = await hostRuntimes(runtime)
  let cookie = 'user=ada'
  // The browser sends the page's cookie with each request and each new socket.
  const sockets: WebSocket[] = []
  class PageSocket extends WebSocket {
    constructor(url: string) {
      super(url, { headers: { cookie } })
      sockets.push(this)
    }
  }
  type Runtime = typeof runtime
  const client = createAgentClient<Runtime>({
    url: `${host.url}/trpc`,
    transport: 'websocket',
    WebSocket: PageSocket as unknown as typeof globalThis.WebSocket,
    fetch: (input, init) =>
      fetch(input, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), cookie } }),
  })
  const { AgentProvider, useAgentClient, useAgentRun, useConversations } = createAgentHooks<Runtime>()
  const queryClient = new QueryClient()
  let identity = 'ada'
  const wrapper = ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <AgentProvider client={client} identity={identity} queryClient={queryClient}>
        {children}
      </AgentProvider>
    </StrictMode>
  )
  const { id: conversationId } = await client.conversations.create({ title: "ada's" })
  const { id: runId } = await client.runs.create({ agentKey: 'speaker', conversationId })
  const seen: string[] = []
  const page = renderHook(
    () => {
      const run = useAgentRun(runId)
      const { conversations, isLoading } = useConversations()
      seen.push(run.text, ...conversations.map(({ title }) => title ?? ''))
      return { run, conversations, isLoading, client: useAgentClient() }
    },
    { wrapper },
  )
  await waitFor(() => {
    expect(page.result.current.run.text).toBe('for ada')
    expect(page.result.current.conversations).toHaveLength(1)
  }, PATIENCE)
  expect(page.result.current.client).toBe(client)
  const former = client.runs.store(runId)
  expect(former.getSnapshot().text).toBe('for ada')

  seen.length = 0
  cookie = 'user=bob'
  identity = 'bob'
  page.rerender()
  expect(page.result.current.client).not.toBe(client)
  await waitFor(() => {
    expect(page.result.current.run.status).toBe('not_found')
    expect(page.result.current.isLoading).toBe(false)
  }, PATIENCE)
  expect(new Set(seen)).toEqual(new Set(['']))
  expect(
    JSON.stringify(
      queryClient
        .getQueryCache()
        .getAll()
        .map(({ state }) => state.data),
    ),
  ).not.toContain("ada's")
  expect(client.runs.store(runId)).not.toBe(former)
  await waitFor(() => expect(sockets[0]?.readyState).toBe(WebSocket.CLOSED), PATIENCE)

  // The first user comes back, and everything shown was read anew.
  cookie = 'user=ada'
  identity = 'ada'
  page.rerender()
  expect(page.result.current.run.text).toBe('')
  await waitFor(() => expect(page.result.current.run.text).toBe('for ada'), PATIENCE)

  // The page shows no provider while nobody is signed in. Then another user signs in.
  page.unmount()
  seen.length = 0
  cookie = 'user=bob'
  identity = 'bob'
  const next = renderHook(
    () => {
      const run = useAgentRun(runId)
      seen.push(run.text, ...useConversations().conversations.map(({ title }) => title ?? ''))
      return run
    },
    { wrapper },
  )
  await waitFor(() => expect(next.result.current.status).toBe('not_found'), PATIENCE)
  expect(new Set(seen)).toEqual(new Set(['']))
  next.unmount()
  cookie = 'user=ada'
  await client.runs.cancel(runId)
})
