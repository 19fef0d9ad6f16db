// What a page lists: agents, runs and the conversations that a search found.
import '../../unit/react/dom.ts'
import { act, cleanup, renderHook, waitFor } from '@testing-library/react'
import { afterEach, expect } from 'vitest'
import type { ConversationsOptions } from '../../../react/index.ts'
import { PATIENCE, test, useAgents, useConversation, useConversations, user, useRuns } from './echo-page.tsx'

afterEach(cleanup)

test('lists agents and runs, and updates a run that goes on', async ({ page }) => {
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
  // Nobody on this page follows the run.
  await waiting.respond('go', true)
  await waitFor(() => expect(result.current.all.runs[1]?.status).toBe('succeeded'), PATIENCE)
  await act(() => result.current.done.refetch())
  await waitFor(() => expect(result.current.done.runs).toHaveLength(2), PATIENCE)
})

test('a list shows the runs that a conversation on the page begins and sees end', async ({ page }) => {
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

test('an empty list is read again, but not a list of runs that are over', async ({ page }) => {
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

test('only the newest page and pages with open runs are read again', async ({ page }) => {
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
  // A new run makes it read all pages.
  const newest = await page.client.runs.create({ agentKey: 'echo', messages: user('ask') })
  await waitFor(() => expect(ids()).toEqual([newest.id, waiting.id]), PATIENCE)
  expect(result.current.count).toBe(3)
})

test('results stay while another search is read, but not for another filter', async ({ page }) => {
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
