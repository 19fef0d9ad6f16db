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

const { AgentProvider, useAgentRun, useAgents, useAgentSession, useConversation, useConversations, useRuns } =
  createAgentHooks<Runtime>()

interface Page {
  /** Null: a visitor. */
  user: string | null
  client: ReturnType<typeof createAgentClient<Runtime>>
  storage: Map<string, string>
  /** Hands on what the page asks. */
  fetch(url: string, init?: RequestInit): Promise<Response>
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

test('of two waits of one name, an occurrence tells which is answered', async ({ page }) => {
  const { runs } = page.client
  const [asked, shown] = [
    await runs.create({ agentKey: 'echo', messages: user('ask both') }),
    await runs.create({ agentKey: 'echo', messages: user('ask both') }),
  ]
  for await (const { type } of asked.events()) if (type === 'run.waiting') break
  await expect(asked.respond('go', true)).rejects.toMatchObject({ code: 'conflict' })
  await asked.respond('go', true, { occurrence: 2 })
  await asked.respond('go', false, { occurrence: 1 })
  expect(await asked.text()).toBe('false,true')

  const { result } = renderHook(() => useAgentRun(shown.id), { wrapper: page.wrapper })
  const occurrences = () => result.current.waits.map(({ occurrence }) => occurrence)
  await waitFor(() => expect(occurrences()).toEqual([undefined, 2]), PATIENCE)
  expect(await act(() => result.current.respond('go', true))).toBe(false)
  expect(result.current.error).toMatchObject({ code: 'conflict' })
  expect(occurrences()).toEqual([undefined, 2])
  expect(await act(() => result.current.respond('go', true, { occurrence: 2 }))).toBe(true)
  expect(occurrences()).not.toContain(2)
  await waitFor(() => expect(occurrences()).toEqual([undefined]), PATIENCE)
  expect(await act(() => result.current.respond('go', false, { occurrence: 1 }))).toBe(true)
  expect(await shown.text()).toBe('false,true')
})

test('a second click on an answer is not the answer to what is asked next', async ({ page }) => {
  const run = await page.client.runs.create({ agentKey: 'echo', messages: user('ask twice') })
  const { result } = renderHook(() => useAgentRun(run.id), { wrapper: page.wrapper })
  const occurrences = () => result.current.waits.map(({ occurrence }) => occurrence)
  await waitFor(() => expect(occurrences()).toEqual([undefined]), PATIENCE)
  const shown = result.current
  expect(await act(() => shown.respond('go', true))).toBe(true)
  await waitFor(() => expect(occurrences()).toEqual([2]), PATIENCE)
  expect(await act(() => shown.respond('go', true))).toBe(false)
  expect(result.current.error).toMatchObject({ code: 'conflict' })
  expect(await act(() => result.current.respond('go', false))).toBe(true)
  expect(await run.text()).toBe('true,false')
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

test('runs that a conversation of the page began and saw end are listed', async ({ page }) => {
  const { id } = await page.client.conversations.create()
  const { result } = renderHook(
    () => ({ chat: useConversation(id), list: useRuns({ refetchIntervalMs: false }) }),
    { wrapper: page.wrapper },
  )
  await waitFor(() => expect(result.current.chat.conversation).toBeDefined(), PATIENCE)
  await waitFor(() => expect(result.current.list).toMatchObject({ isLoading: false, runs: [] }), PATIENCE)
  const run = await act(() => result.current.chat.send('ask', { agentKey: 'echo' }))
  await waitFor(() => expect(result.current.list.runs.map((listed) => listed.id)).toEqual([run.id]), PATIENCE)
  for await (const { type } of run.events()) if (type === 'run.waiting') break
  await run.respond('go', true)
  await waitFor(() => expect(result.current.list.runs[0]?.status).toBe('succeeded'), PATIENCE)
})

test('a list without runs is read again, and one of what is over is not', async ({ page }) => {
  const asked: string[] = []
  page.fetch = (url, init) => {
    asked.push(decodeURIComponent(url))
    return fetch(url, init)
  }
  const { result } = renderHook(
    () => ({
      waiting: useRuns({ status: 'waiting', refetchIntervalMs: 50 }),
      done: useRuns({ status: 'succeeded', refetchIntervalMs: 50 }),
      none: useRuns({ conversationId: null, refetchIntervalMs: 50 }),
    }),
    { wrapper: page.wrapper },
  )
  await waitFor(() => expect(result.current.waiting.isLoading).toBe(false), PATIENCE)
  await waitFor(() => expect(result.current.done.isLoading).toBe(false), PATIENCE)
  const run = await page.client.runs.create({ agentKey: 'echo', messages: user('ask') })
  await waitFor(() => expect(result.current.waiting.runs.map(({ id }) => id)).toEqual([run.id]), PATIENCE)
  expect(result.current.none).toMatchObject({ runs: [], count: 0, isLoading: false })
  await run.respond('go', true)
  await run.result()
  await waitFor(() => expect(result.current.waiting.runs).toEqual([]), PATIENCE)
  expect(result.current.done.runs).toEqual([])
  const listings = asked.filter((url) => url.includes('runs.list'))
  expect(
    listings.filter((url) => !url.includes('"waiting"')).map((url) => url.includes('"succeeded"')),
  ).toEqual([true])
})

test('of a list in which one run waits not all pages are read again and again', async ({ page }) => {
  const done = await page.client.runs.create({ agentKey: 'echo', messages: user('Hi') })
  await done.result()
  const waiting = await page.client.runs.create({ agentKey: 'echo', messages: user('ask') })
  const cursors: boolean[] = []
  page.fetch = (url, init) => {
    if (url.includes('runs.list')) cursors.push(url.includes('cursor'))
    return fetch(url, init)
  }
  const { result } = renderHook(() => useRuns({ limit: 1, refetchIntervalMs: 50 }), {
    wrapper: page.wrapper,
  })
  const ids = () => result.current.runs.map(({ id }) => id)
  await waitFor(() => expect(ids()).toEqual([waiting.id]), PATIENCE)
  await act(() => result.current.loadMore())
  await waitFor(() => expect(ids()).toEqual([waiting.id, done.id]), PATIENCE)
  cursors.length = 0
  await waitFor(() => expect(cursors.length).toBeGreaterThan(5), PATIENCE)
  expect(cursors).not.toContain(true)
  // All of them where one has come.
  const newest = await page.client.runs.create({ agentKey: 'echo', messages: user('ask') })
  await waitFor(() => expect(ids()).toEqual([newest.id, waiting.id]), PATIENCE)
  expect(result.current.count).toBe(3)
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

/** A page that grace has signed in to, by what she had as a visitor. */
function renderSession(page: Page) {
  return renderHook(
    () => {
      const isSignedIn = page.user !== null
      return {
        list: useConversations(),
        session: useAgentSession({ isSignedIn }),
        other: useAgentSession({ isSignedIn }),
      }
    },
    { wrapper: page.wrapper },
  )
}

/** Has claims wait for `before` until the page is told what the server answered. */
function holdClaims(page: Page, before: () => Promise<unknown>): string[] {
  const claims: string[] = []
  page.fetch = async (url, init) => {
    if (!url.includes('sessions.claim')) return fetch(url, init)
    claims.push(url)
    const claimed = await fetch(url, init)
    await before()
    return claimed
  }
  return claims
}

test('what a visitor had is shown also where the answer to the claim was lost', async ({ page }) => {
  page.user = null
  await page.client.conversations.create({ title: 'Before' })
  const read = Promise.withResolvers<void>()
  page.user = 'grace'
  page.fetch = async (url, init) => {
    if (!url.includes('sessions.claim')) return fetch(url, init)
    await read.promise
    await fetch(url, init)
    throw new TypeError('The network is gone.')
  }
  const { result } = renderSession(page)
  await waitFor(() => expect(result.current.list.isLoading).toBe(false), PATIENCE)
  read.resolve()
  await waitFor(() => expect(result.current.session.error).not.toBeNull(), PATIENCE)
  expect(result.current.list.conversations).toEqual([])
  page.fetch = globalThis.fetch
  await act(() => result.current.session.claim())
  expect(result.current.session).toMatchObject({ claimed: null, error: null })
  await waitFor(() => expect(result.current.list.conversations[0]?.title).toBe('Before'), PATIENCE)
  expect(page.storage.size).toBe(0)
})

test('two components claim once, and what they were told goes when the user leaves', async ({ page }) => {
  page.user = null
  await page.client.conversations.create({ title: 'Before' })
  const claims = holdClaims(page, async () => {})
  page.user = 'grace'
  const { result, rerender } = renderSession(page)
  for (const of of ['session', 'other'] as const) {
    await waitFor(() => expect(result.current[of].claimed).toEqual({ conversations: 1, runs: 0 }), PATIENCE)
  }
  expect(claims).toHaveLength(1)
  page.user = null
  rerender()
  expect(result.current.session).toMatchObject({ claimed: null, isClaiming: false, error: null })
})

test('a claim that is answered late leaves the next visitor alone', async ({ page }) => {
  page.user = null
  await page.client.conversations.create({ title: 'Before' })
  const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  holdClaims(page, () => {
    asked.resolve()
    return gate.promise
  })
  page.user = 'grace'
  const claim = page.client.sessions.claim()
  await asked.promise
  // She has left, and somebody else is here.
  page.user = null
  for (const key of page.storage.keys()) page.storage.set(key, 'of the next')
  gate.resolve()
  expect(await claim).toEqual({ conversations: 1, runs: 0 })
  expect([...page.storage.values()]).toEqual(['of the next'])
})

test('a conversation that was refused while a claim was made is shown after it', async ({ page }) => {
  page.user = null
  const mine = await page.client.conversations.create()
  await (await page.client.conversations.of(mine.id).send('Hi', { agentKey: 'echo' })).result()
  const [refused, isReading] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let isClaimed = false
  page.user = 'grace'
  page.fetch = async (url, init) => {
    if (url.includes('sessions.claim')) await refused.promise
    if (url.includes('conversations.list') && isClaimed) isReading.resolve()
    const answer = await fetch(url, init)
    if (url.includes('sessions.claim')) isClaimed = true
    if (!url.includes('conversations.get') || isClaimed) return answer
    // Refused before the claim. The page hears of it when it reads anew what it has.
    refused.resolve()
    await isReading.promise
    return answer
  }
  const initialProps: { id: string | null } = { id: null }
  const { result, rerender } = renderHook(
    ({ id }: typeof initialProps) => ({
      session: useAgentSession({ isSignedIn: page.user !== null }),
      list: useConversations(),
      chat: useConversation(id),
    }),
    { wrapper: page.wrapper, initialProps },
  )
  await waitFor(() => expect(result.current.list.isLoading).toBe(false), PATIENCE)
  rerender({ id: mine.id })
  await waitFor(() => expect(result.current.session.claimed).not.toBeNull(), PATIENCE)
  expect(result.current.chat.error).toBeNull()
  await waitFor(() => expect(result.current.chat.messages.map(textOf)).toEqual(['Hi', 'Hi']), PATIENCE)
})

test('a run that nobody could see before a claim is followed after it', async ({ page }) => {
  page.user = null
  const run = await page.client.runs.create({ agentKey: 'echo', messages: user('Hi') })
  await run.result()
  const isShown = Promise.withResolvers<void>()
  page.user = 'grace'
  page.fetch = async (url, init) => {
    if (url.includes('sessions.claim')) await isShown.promise
    return fetch(url, init)
  }
  const { result } = renderHook(
    () => ({ session: useAgentSession({ isSignedIn: true }), run: useAgentRun(run.id) }),
    { wrapper: page.wrapper },
  )
  await waitFor(() => expect(result.current.run.status).toBe('not_found'), PATIENCE)
  isShown.resolve()
  await waitFor(
    () => expect(result.current.run).toMatchObject({ status: 'succeeded', error: null }),
    PATIENCE,
  )
})
