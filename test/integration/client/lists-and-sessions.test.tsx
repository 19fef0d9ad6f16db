// What a page lists, a visitor of it who signs in, and what a script does with a run and a conversation.
import '../../unit/react/dom.ts'
import { QueryClient } from '@tanstack/react-query'
import { act, cleanup, renderHook, waitFor } from '@testing-library/react'
import type { ReactNode } from 'react'
import { StrictMode } from 'react'
import { afterEach, expect } from 'vitest'
import { z } from 'zod'
import { createAgentClient, textOf } from '../../../client/index.ts'
import { createAgentHooks } from '../../../react/index.ts'
import type { ConversationsOptions } from '../../../react/index.ts'
import { defineAgent } from '../../../server/index.ts'
import type { AgentRuntime, ShapeOfAgent } from '../../../server/index.ts'
import { hostRuntimes } from '../../support/node-host.ts'
import { test as base } from '../../support/runtime.ts'

const PATIENCE = { timeout: 20_000 }

const echo = defineAgent({
  key: 'echo',
  description: 'Says it again.',
  params: z.object({ times: z.number().default(1) }),
  async run(ctx) {
    const said = textOf(ctx.messages.at(-1))
    if (said === 'fail') throw new Error('as it was asked to')
    if (said === 'ask') await ctx.wait('go', z.boolean())
    if (said === 'hush') return {}
    const content = said.repeat(ctx.params.times)
    if (said !== 'show') return { messages: [{ role: 'assistant', content }] }
    await ctx.emitMessage(content)
    return {}
  },
})

type Runtime = AgentRuntime<ShapeOfAgent<typeof echo>>

const { AgentProvider, useAgents, useAgentSession, useConversations, useRuns } = createAgentHooks<Runtime>()

interface Page {
  /** Null: a visitor. */
  user: string | null
  client: ReturnType<typeof createAgentClient<Runtime>>
  storage: Map<string, string>
  wrapper(props: { children: ReactNode }): ReactNode
}

const test = base.extend<{ page: Page }>({
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
      client: createAgentClient<Runtime>({
        url: `${host.url}/trpc`,
        transport: 'sse',
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

afterEach(cleanup)

const user = (content: string) => [{ role: 'user' as const, content }]

test('the text of a run is what its agent said last, and nothing that it was asked', async ({ page }) => {
  const { runs } = page.client
  const run = await runs.create({ agentKey: 'echo', messages: user('Hi'), params: { times: 2 } })
  expect(await run.text()).toBe('HiHi')
  expect(await (await runs.create({ agentKey: 'echo', messages: user('show') })).text()).toBe('show')
  const history = [{ role: 'assistant' as const, content: 'Before' }, ...user('hush')]
  expect(await (await runs.create({ agentKey: 'echo', messages: history })).text()).toBe('')
  const failing = await runs.create({ agentKey: 'echo', messages: user('fail') })
  await expect(failing.text()).rejects.toMatchObject({ name: 'RunFailedError', code: 'failed' })
})

test('detaching ends what follows a run, and not the run', async ({ page }) => {
  const run = await page.client.runs.create({ agentKey: 'echo', messages: user('ask') })
  const result = run.result()
  const failure = result.catch((error: unknown) => error)
  const types: string[] = []
  for await (const { type } of run.events()) {
    types.push(type)
    if (type === 'run.waiting') run.detach()
  }
  expect(types).toEqual(['run.started', 'run.waiting'])
  expect(await failure).toMatchObject({ name: 'AbortError' })
  expect(await run.get()).toMatchObject({ status: 'waiting' })
  await run.respond('go', true)
  expect(await run.text()).toBe('ask')
})

test('a conversation is asked and read by its handle', async ({ page }) => {
  const { id } = await page.client.conversations.create()
  const chat = page.client.conversations.of(id)
  await (await chat.send('One', { agentKey: 'echo' })).result()
  const run = await chat.send(user('Two'), { agentKey: 'echo', params: { times: 2 } })
  expect(await run.text()).toBe('TwoTwo')
  const contents = (await chat.messages()).map(({ content }) => content)
  expect(contents).toEqual(['One', 'One', 'Two', 'TwoTwo'])
  expect(await chat.messages({ limit: 1 })).toHaveLength(1)
})

test('agents and runs are listed, and a run as it goes on', async ({ page }) => {
  const waiting = await page.client.runs.create({ agentKey: 'echo', messages: user('ask') })
  const other = await page.client.runs.create({ agentKey: 'echo', messages: user('Hi') })
  await other.result()
  const { result } = renderHook(
    () => ({
      agents: useAgents(),
      all: useRuns({ agentKey: 'echo', limit: 1, refetchIntervalMs: 50 }),
      done: useRuns({ status: 'succeeded', refetchIntervalMs: false }),
    }),
    { wrapper: page.wrapper },
  )
  await waitFor(() => expect(result.current.agents.agents).toHaveLength(1), PATIENCE)
  expect(result.current.agents.agents[0]).toMatchObject({ key: 'echo', description: 'Says it again.' })
  await waitFor(() => expect(result.current.all).toMatchObject({ count: 2, hasMore: true }), PATIENCE)
  await act(() => result.current.all.loadMore())
  await waitFor(
    () => expect(result.current.all.runs.map(({ id }) => id)).toEqual([other.id, waiting.id]),
    PATIENCE,
  )
  await waitFor(() => expect(result.current.done.runs.map(({ id }) => id)).toEqual([other.id]), PATIENCE)
  // Nobody on this page follows it.
  await waiting.respond('go', true)
  await waitFor(() => expect(result.current.all.runs[1]?.status).toBe('succeeded'), PATIENCE)
  await act(() => result.current.done.refetch())
  await waitFor(() => expect(result.current.done.runs).toHaveLength(2), PATIENCE)
})

test('what a search found stays while another one is read, and goes with another filter', async ({
  page,
}) => {
  for (const title of ['Lisbon', 'Lisboa', 'Porto']) await page.client.conversations.create({ title })
  const seen: string[][] = []
  const initialProps: ConversationsOptions<'echo'> = { search: 'lisbon' }
  const { result, rerender } = renderHook(
    (options: ConversationsOptions<'echo'>) => {
      const view = useConversations(options)
      seen.push(view.conversations.map(({ title }) => title ?? ''))
      return view
    },
    { wrapper: page.wrapper, initialProps },
  )
  await waitFor(() => expect(result.current.conversations).toHaveLength(1), PATIENCE)
  seen.length = 0
  rerender({ search: 'porto' })
  expect(result.current).toMatchObject({ isSearching: true, isLoading: false })
  await waitFor(() => expect(result.current.conversations[0]?.title).toBe('Porto'), PATIENCE)
  expect(result.current.isSearching).toBe(false)
  expect(seen).not.toContainEqual([])
  rerender({ search: 'porto', archived: true })
  expect(result.current).toMatchObject({ conversations: [], isSearching: false, isLoading: true })
})

test('a visitor who signs in has what was theirs', async ({ page }) => {
  page.user = null
  await page.client.conversations.create({ title: 'Before' })
  expect(page.storage.size).toBe(1)
  const { result, rerender } = renderHook(
    () => ({ list: useConversations(), session: useAgentSession({ isSignedIn: page.user !== null }) }),
    { wrapper: page.wrapper },
  )
  await waitFor(() => expect(result.current.list.conversations).toHaveLength(1), PATIENCE)
  expect(result.current.session).toMatchObject({ claimed: null, isClaiming: false, error: null })
  page.user = 'grace'
  rerender()
  await waitFor(() => expect(result.current.session.claimed).toEqual({ conversations: 1, runs: 0 }), PATIENCE)
  await waitFor(() => expect(result.current.list.conversations[0]?.title).toBe('Before'), PATIENCE)
  expect(page.storage.size).toBe(0)
  // Once more there is nothing to claim, and that is no error.
  await act(() => result.current.session.claim())
  expect(result.current.session).toMatchObject({ claimed: null, isClaiming: false, error: null })
})
