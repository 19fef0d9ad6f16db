// What a visitor had, on the page of the user who claims it.
import '../../unit/react/dom.ts'
import { act, cleanup, renderHook, waitFor } from '@testing-library/react'
import { afterEach, expect } from 'vitest'
import { textOf } from '../../../client/index.ts'
import {
  PATIENCE,
  test,
  useAgentRun,
  useAgentSession,
  useConversation,
  useConversations,
  user,
} from './echo-page.tsx'
import type { Page } from './echo-page.tsx'

afterEach(cleanup)

test('a visitor who signs in keeps their conversations', async ({ page }) => {
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
  // A second claim finds nothing, and that is no error.
  await act(() => result.current.session.claim())
  expect(result.current.session).toMatchObject({ claimed: null, isClaiming: false, error: null })
})

/** Renders a page on which grace has signed in after she was a visitor. */
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

/** Delays the answers to claims until `before` resolves. Returns the addresses of the claims. */
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

test('a visitor’s conversations are shown after a claim whose answer was lost', async ({ page }) => {
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

test('two components claim once, and show nothing of the claim when the user leaves', async ({ page }) => {
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

test('a late answer to a claim does not forget the next visitor', async ({ page }) => {
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
  // She has left, and the next visitor is here.
  page.user = null
  for (const key of page.storage.keys()) page.storage.set(key, 'of the next')
  gate.resolve()
  expect(await claim).toEqual({ conversations: 1, runs: 0 })
  expect([...page.storage.values()]).toEqual(['of the next'])
})

test('a conversation that was refused during a claim is shown after the claim', async ({ page }) => {
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
    // It was refused before the claim. The page hears so while it reads again after the claim.
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

test('a run that was not found before a claim is followed after the claim', async ({ page }) => {
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
