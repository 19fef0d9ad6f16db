import { hooks, scene } from './scene.tsx'
import { act, waitFor } from '@testing-library/react'
import { describe, expect, it } from 'vitest'
import { createAgentQueries } from '../../../react/queries/index.ts'
import { said } from '../../support/said.ts'

const { useConversation, useConversations } = hooks

describe('useConversations', () => {
  it('reads page by page', async () => {
    const { client, render } = scene()
    for (const title of ['first', 'second', 'third']) await client.conversations.create({ title })
    const { result } = render(() => useConversations({ limit: 2 }))
    await waitFor(() =>
      expect(result.current.conversations.map(({ title }) => title)).toEqual(['third', 'second']),
    )
    expect(result.current).toMatchObject({ count: 3, hasMore: true })
    await act(() => result.current.loadMore())
    await waitFor(() => expect(result.current.conversations).toHaveLength(3))
    expect(result.current.hasMore).toBe(false)
  })

  it('shows a conversation it created', async () => {
    const { render } = scene()
    const { result } = render(() => useConversations())
    await waitFor(() => expect(result.current.isLoading).toBe(false))
    const { id } = await act(() => result.current.create({ title: 'New' }))
    await waitFor(() =>
      expect(result.current.conversations.map((conversation) => conversation.id)).toEqual([id]),
    )
  })
})

describe('useConversations, of others', () => {
  it('asks as far as it is told, and keeps that apart from one’s own', async () => {
    const { server, render } = scene()
    const { result } = render(() => [useConversations(), useConversations({ scope: 'tenant' })])
    await waitFor(() => expect(result.current.some(({ isLoading }) => isLoading)).toBe(false))
    const inputs = server.requests.map(({ url }) => new URL(url).searchParams.get('input'))
    expect(inputs).toEqual(['{}', '{"scope":"tenant"}'])
  })
})

describe('useConversations, searching', () => {
  it('asks for what it is given, and for nothing where that is empty', async () => {
    const { server, render } = scene()
    const { result } = render(() => [
      useConversations({ search: ' ' }),
      useConversations({ search: 'lisbon', metadata: { ticket: 17 } }),
    ])
    await waitFor(() => expect(result.current.some(({ isLoading }) => isLoading)).toBe(false))
    const inputs = server.requests.map(({ url }) => new URL(url).searchParams.get('input'))
    expect(inputs).toEqual(['{}', '{"metadata":{"ticket":17},"search":"lisbon"}'])
  })
})

describe('useConversations, changing one', () => {
  it('shows it as it is now, wherever it is shown', async () => {
    const { client, render } = scene()
    const { id } = await client.conversations.create({ title: 'Old' })
    const { result } = render(() => ({ list: useConversations(), one: useConversation(id) }))
    await waitFor(() => expect(result.current.one.conversation?.title).toBe('Old'))
    await act(() => result.current.list.update({ conversationId: id, title: 'New' }))
    await waitFor(() => expect(result.current.list.conversations.map(({ title }) => title)).toEqual(['New']))
    await waitFor(() => expect(result.current.one.conversation?.title).toBe('New'))
  })

  it('shows no more what it removed', async () => {
    const { client, render } = scene()
    const { id } = await client.conversations.create()
    const { result } = render(() => useConversations())
    await waitFor(() => expect(result.current.conversations).toHaveLength(1))
    await act(() => result.current.remove(id))
    await waitFor(() => expect(result.current.conversations).toEqual([]))
  })

  it('throws an AgentRuntimeError when it is refused', async () => {
    const { render } = scene()
    const { result } = render(() => useConversations())
    const conversationId = '019aa000-0000-7000-8000-00000000dead'
    await expect(result.current.update({ conversationId, title: 'New' })).rejects.toMatchObject({
      name: 'AgentRuntimeError',
      code: 'not_found',
    })
  })
})

describe('useConversation', () => {
  it('has nothing to show while there is none', () => {
    const { server, render } = scene()
    const { result } = render(() => useConversation(null))
    expect(result.current).toMatchObject({
      conversation: undefined,
      messages: [],
      isLoading: false,
      error: null,
    })
    expect(server.requests).toHaveLength(0)
  })

  it('shows the history', async () => {
    const { client, render } = scene()
    const { id } = await client.conversations.create()
    await client.runs.create({
      agentKey: 'chat',
      conversationId: id,
      messages: [{ role: 'user', content: 'Hello' }],
    })
    const { result } = render(() => useConversation(id))
    await waitFor(() =>
      expect(said(result.current.messages)).toMatchObject([{ role: 'user', content: 'Hello' }]),
    )
  })

  it('is read by the same key with `includeDebug: false` as without', () => {
    const { client } = scene()
    const { conversations } = createAgentQueries(client)
    const place = { conversationId: '019aa000-0000-7000-8000-00000000dead' }
    const { queryKey } = conversations.get(place)
    expect(conversations.get({ ...place, includeDebug: false }).queryKey).toEqual(queryKey)
    expect(conversations.get({ ...place, includeDebug: true }).queryKey).not.toEqual(queryKey)
  })

  it('does not ask again for what does not exist', async () => {
    const { server, render } = scene()
    const { result } = render(() => useConversation('019aa000-0000-7000-8000-00000000dead'))
    await waitFor(() => expect(result.current.error).toMatchObject({ code: 'not_found' }))
    expect(server.requests).toHaveLength(1)
  })
})
