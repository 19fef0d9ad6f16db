// What a server reads ahead is shown in the first render on the server and in the browser, and only to its user.
import '../../unit/react/dom.ts'
import type { DehydratedState } from '@tanstack/react-query'
import {
  HydrationBoundary,
  QueryClient,
  QueryClientProvider,
  dehydrate,
  useSuspenseQuery,
} from '@tanstack/react-query'
import { act, cleanup, render, waitFor } from '@testing-library/react'
import type { ReactNode } from 'react'
import { StrictMode, Suspense } from 'react'
import { renderToString } from 'react-dom/server'
import { afterEach, expect, expectTypeOf } from 'vitest'
import { createAgentClient } from '../../../client/create-client.ts'
import { createAgentHooks } from '../../../react/create-agent-hooks.ts'
import { createAgentQueries } from '../../../react/queries/index.ts'
import { textOf } from '../../../server/index.ts'
import type { Conversation, Page, RunDetail } from '../../../client/index.ts'
import type { ShapeOfAgent } from '../../../server/agent/agent.ts'
import type { AgentRuntime } from '../../../server/runtime/agent-runtime.ts'
import { test } from '../../support/runtime.ts'
import type { CreateServer } from '../../support/runtime.ts'
import { PATIENCE, createTalker, user } from './conversation-page.tsx'

afterEach(cleanup)

type Runtime = AgentRuntime<ShapeOfAgent<ReturnType<typeof createTalker>['talker']>>
type Client = ReturnType<typeof createAgentClient<Runtime>>

const hooks = createAgentHooks<Runtime>()
const { AgentProvider, useAgents, useConversation, useConversations, useRuns } = hooks
const ofPage = () => new QueryClient({ defaultOptions: { queries: { staleTime: 60_000 } } })

async function createScene(createServer: CreateServer) {
  const { talker, release } = createTalker()
  const { runtime } = await createServer({
    agents: [talker],
    authenticate: (request) => ({
      id: request.headers.get('x-user') ?? 'nobody',
      tenantId: 'acme',
      kind: 'user' as const,
    }),
  })
  /** The client of a page of the user, or of the server that renders the page. */
  const clientOf = (name: string, url = 'http://runtime.test/trpc') => {
    const asked: string[] = []
    const client = createAgentClient<Runtime>({
      url,
      headers: { 'x-user': name },
      fetch: (input, init) => {
        const request = new Request(new URL(input as string, 'http://page.test'), init)
        asked.push(new URL(request.url).pathname.replace('/trpc/', ''))
        return runtime.handler(request)
      },
    })
    return { client, asked }
  }
  const { client } = clientOf('ada')
  const { id } = await client.conversations.create({ title: "ada's" })
  release('one')
  const run = await client.runs.create({
    agentKey: 'talker',
    conversationId: id,
    messages: [user('one')],
  })
  await run.result()
  return { clientOf, id, runId: run.id, release }
}

/** Reads ahead like a server component, and returns the JSON that goes to the browser. */
async function readAhead(client: Client, id: string, identity?: string): Promise<DehydratedState> {
  const queryClient = new QueryClient()
  const queries = createAgentQueries(client, identity === undefined ? {} : { identity })
  await Promise.all([
    queryClient.prefetchQuery(queries.conversations.get({ conversationId: id })),
    queryClient.prefetchInfiniteQuery(queries.conversations.list({ limit: 10 })),
    queryClient.prefetchInfiniteQuery(queries.runs.list()),
    queryClient.prefetchQuery(queries.agents.list()),
  ])
  return JSON.parse(JSON.stringify(dehydrate(queryClient))) as DehydratedState
}

interface Rendered {
  client: Client
  state?: DehydratedState | undefined
  queryClient?: QueryClient
  identity?: string
  children: ReactNode
}

const App = ({ client, state, queryClient, identity, children }: Rendered) => (
  <StrictMode>
    <QueryClientProvider client={queryClient ?? ofPage()}>
      <AgentProvider client={client} {...(identity === undefined ? {} : { identity })}>
        <HydrationBoundary state={state}>{children}</HydrationBoundary>
      </AgentProvider>
    </QueryClientProvider>
  </StrictMode>
)

/** @returns what each render showed. */
function pageOf(id: string) {
  const shown: string[] = []
  function Page() {
    const { messages, conversation, isLoading } = useConversation(id)
    const { conversations } = useConversations({ limit: 10 })
    const { runs } = useRuns({ refetchIntervalMs: false })
    const { agents } = useAgents()
    const text = [
      ...messages.map(textOf),
      conversation?.title,
      ...conversations.map(({ title }) => title),
      runs.length,
      ...agents.map(({ key }) => key),
      isLoading,
    ].join()
    shown.push(text)
    return <p>{text}</p>
  }
  return { Page, shown }
}

const ALL = "one,one, indeed,ada's,ada's,1,talker,false"
const NOTHING = ',0,true'
const reads = (asked: readonly string[]) => asked.filter((path) => /\.(get|list)$/.test(path))

test('the first render shows what was read ahead, on the server and in the browser, without a request', async ({
  createServer,
}) => {
  const { clientOf, id, release } = await createScene(createServer)
  const state = await readAhead(clientOf('ada').client, id)

  const onServer = clientOf('ada', '/trpc')
  const rendered = pageOf(id)
  const html = renderToString(
    <App client={onServer.client} state={state}>
      <rendered.Page />
    </App>,
  )
  expect(html).toContain('one,one, indeed')
  expect(new Set(rendered.shown)).toEqual(new Set([ALL]))
  expect(onServer.asked).toEqual([])

  // Another page asks before this one is mounted. This page continues after what was read ahead.
  await clientOf('ada').client.runs.create({
    agentKey: 'talker',
    conversationId: id,
    messages: [user('two')],
  })
  const { client, asked } = clientOf('ada', '/trpc')
  const { Page, shown } = pageOf(id)
  const complaints: unknown[] = []
  const container = document.createElement('div')
  container.innerHTML = html
  document.body.append(container)
  render(
    <App client={client} state={state} queryClient={ofPage()}>
      <Page />
    </App>,
    { container, hydrate: true, onRecoverableError: (error) => complaints.push(error) },
  )
  expect(shown[0]).toBe(ALL)
  expect(complaints).toEqual([])
  expect(reads(asked)).toEqual([])
  await waitFor(() => expect(shown.at(-1)).toContain('one,one, indeed,two,two,'), PATIENCE)
  release('two')
  await waitFor(() => expect(shown.at(-1)).toContain('two,two, indeed'), PATIENCE)
})

test('what was read ahead is shown only to the identity that it was read for', async ({ createServer }) => {
  const { clientOf, id } = await createScene(createServer)
  const state = await readAhead(clientOf('ada').client, id, 'ada')
  const { Page, shown } = pageOf(id)
  const queryClient = ofPage()
  const { client } = clientOf('ada', '/trpc')
  const app = (identity: string, given = client, hydrated: DehydratedState | undefined = state) => (
    <App client={given} state={hydrated} queryClient={queryClient} identity={identity}>
      <Page />
    </App>
  )
  const stored = () => JSON.stringify(dehydrate(queryClient))

  // Her page, where nobody else has signed in before.
  const page = render(app('ada'))
  expect(new Set(shown)).toEqual(new Set([ALL]))

  shown.length = 0
  page.rerender(app('bob', client, undefined))
  expect(new Set(shown)).toEqual(new Set([NOTHING]))
  expect(stored()).not.toContain("ada's")
  page.unmount()

  // Nothing is shown from the cache of a page that the server rendered for another user.
  shown.length = 0
  const other = render(
    <App client={clientOf('bob', '/trpc').client} state={state} queryClient={ofPage()} identity="bob">
      <Page />
    </App>,
  )
  expect(new Set(shown)).toEqual(new Set([NOTHING]))
  other.unmount()

  // When she signs in again, what was read ahead for her is shown at once, without a request.
  shown.length = 0
  const again = render(app('ada'))
  expect(shown[0]).toBe(ALL)
  again.unmount()
})

test('the second of two clients with one name does not show what the first has read', async ({
  createServer,
}) => {
  const { clientOf, id } = await createScene(createServer)
  const state = await readAhead(clientOf('ada').client, id)
  const queryClient = ofPage()
  const [first, second] = [pageOf(id), pageOf(id)]
  render(
    <App client={clientOf('ada').client} state={state} queryClient={queryClient}>
      <first.Page />
    </App>,
  )
  render(
    <App client={clientOf('bob').client} state={state} queryClient={queryClient}>
      <second.Page />
    </App>,
  )
  expect(first.shown[0]).toBe(ALL)
  expect(second.shown[0]).toBe(NOTHING)
  await waitFor(() => expect(second.shown.at(-1)).toBe(',0,talker,false'), PATIENCE)
})

test('its options work with the hooks of TanStack Query, suspense included', async ({ createServer }) => {
  const { clientOf, id, runId } = await createScene(createServer)
  const { client, asked } = clientOf('ada')
  const queries = createAgentQueries(client)
  const queryClient = ofPage()
  const run = await queryClient.fetchQuery(queries.runs.get(runId))
  expectTypeOf(run).toEqualTypeOf<RunDetail>()
  expect(run).toMatchObject({ id: runId, status: 'succeeded' })
  await queryClient.fetchInfiniteQuery(queries.conversations.list())
  const list = queryClient.getQueryData(queries.conversations.list().queryKey)
  expectTypeOf(list?.pages).toEqualTypeOf<Page<Conversation>[] | undefined>()
  expect(list?.pages[0]?.items.map(({ title }) => title)).toEqual(["ada's"])
  // @ts-expect-error -- there is no such agent
  expect(queries.runs.list({ agentKey: 'nobody' })).toBeDefined()

  asked.length = 0
  const seen: string[] = []
  function Page() {
    const { data } = useSuspenseQuery(hooks.useAgentQueries().conversations.get({ conversationId: id }))
    const { messages } = useConversation(id)
    seen.push(`${data.title}: ${messages.map(textOf).join()}`)
    return null
  }
  const page = render(
    <App client={client} queryClient={queryClient}>
      <Suspense fallback={<p>waiting</p>}>
        <Page />
      </Suspense>
    </App>,
  )
  expect(page.container.textContent).toBe('waiting')
  await waitFor(() => expect(page.container.textContent).toBe(''), PATIENCE)
  expect(seen[0]).toBe("ada's: one,one, indeed")
  expect(asked.filter((path) => path === 'conversations.get')).toHaveLength(1)

  await act(() => queryClient.invalidateQueries({ queryKey: queries.conversations.queryKey }))
  expect(asked.filter((path) => path === 'conversations.get')).toHaveLength(2)
})

test('a conversation that a page names by a key is read ahead, whether it exists or not', async ({
  createServer,
}) => {
  const { clientOf, id } = await createScene(createServer)
  const { client: ofServer } = clientOf('ada')
  const externalId = 'order 17'
  await ofServer.conversations.update({ conversationId: id, externalId })
  const queries = createAgentQueries(ofServer)
  const queryClient = new QueryClient()
  const found = await queryClient.fetchQuery(queries.conversations.find({ externalId }))
  expectTypeOf(found).toEqualTypeOf<string | null>()
  expect(found).toBe(id)
  await queryClient.prefetchQuery(queries.conversations.get({ conversationId: found ?? '' }))
  expect(await queryClient.fetchQuery(queries.conversations.find({ externalId: 'order 18' }))).toBeNull()
  // @ts-expect-error -- a key is text
  expect(queries.conversations.find({ externalId: 18 })).toBeDefined()
  const state = JSON.parse(JSON.stringify(dehydrate(queryClient))) as DehydratedState

  const shown: string[] = []
  function Page() {
    const { messages, conversation } = useConversation({ externalId })
    const { isLoading, conversation: none } = useConversation({ externalId: 'order 18' })
    shown.push([...messages.map(textOf), conversation?.title, none?.title, isLoading].join())
    return null
  }
  const { client, asked } = clientOf('ada', '/trpc')
  const page = render(
    <App client={client} state={state} queryClient={ofPage()}>
      <Page />
    </App>,
  )
  expect(shown[0]).toBe("one,one, indeed,ada's,,false")
  expect(reads(asked)).toEqual([])
  page.unmount()
})
