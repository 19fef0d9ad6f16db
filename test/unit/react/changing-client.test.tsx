import { hooks, scene } from './scene.tsx'
import { QueryClient } from '@tanstack/react-query'
import { act, render, renderHook, screen, waitFor } from '@testing-library/react'
import { StrictMode } from 'react'
import type { ReactNode } from 'react'
import { renderToString } from 'react-dom/server'
import { describe, expect, it, vi } from 'vitest'

const { AgentProvider, useAgentRun, useConversation, useConversations } = hooks
const HELLO = { messages: [{ role: 'user' as const, content: 'Hello' }] }

function Titles({ of }: { of: string }) {
  const { conversations, isLoading } = useConversations()
  const titles = conversations.map(({ title }) => title).join()
  return <p data-testid={of}>{isLoading ? 'loading' : titles}</p>
}

const text = (id: string) => screen.getByTestId(id).textContent

describe('two clients on one QueryClient', () => {
  it('are each shown what they read themselves', async () => {
    const [one, two] = [scene(), scene()]
    await one.client.conversations.create({ title: 'of one' })
    await two.client.conversations.create({ title: 'of two' })
    const queryClient = new QueryClient()
    render(
      <>
        <AgentProvider client={one.client} queryClient={queryClient}>
          <Titles of="one" />
        </AgentProvider>
        <AgentProvider client={two.client} queryClient={queryClient}>
          <Titles of="two" />
        </AgentProvider>
      </>,
    )
    await waitFor(() => expect([text('one'), text('two')]).toEqual(['of one', 'of two']))
  })
})

describe('a provider whose client changes, as when somebody else signs in', () => {
  function changing() {
    const [before, after] = [scene(), scene()]
    let { client } = before
    const queryClient = new QueryClient()
    const wrapper = ({ children }: { children: ReactNode }) => (
      <StrictMode>
        <AgentProvider client={client} queryClient={queryClient}>
          {children}
        </AgentProvider>
      </StrictMode>
    )
    return { before, after, wrapper, change: () => ({ client } = after) }
  }

  it('shows nothing that was read before', async () => {
    const { before, after, wrapper, change } = changing()
    await before.client.conversations.create({ title: 'before' })
    await after.client.conversations.create({ title: 'after' })
    const seen: string[] = []
    const { result, rerender } = renderHook(
      () => {
        const view = useConversations()
        seen.push(...view.conversations.map(({ title }) => title ?? ''))
        return view
      },
      { wrapper },
    )
    await waitFor(() => expect(result.current.conversations).toHaveLength(1))
    seen.length = 0
    change()
    rerender()
    await waitFor(() => expect(result.current.conversations).toHaveLength(1))
    expect(new Set(seen)).toEqual(new Set(['after']))
  })

  it('leaves the run that was started before, and starts the next with the new one', async () => {
    const { before, after, wrapper, change } = changing()
    const { result, rerender } = renderHook(() => useAgentRun({ agentKey: 'chat' }), { wrapper })
    await act(() => result.current.start(HELLO))
    expect(result.current.status).toBe('queued')
    change()
    rerender()
    expect(result.current).toMatchObject({ runId: null, status: 'idle', error: null })
    await act(() => result.current.start(HELLO))
    expect(result.current).toMatchObject({ status: 'queued', error: null })
    const streamed = ({ requests }: { requests: Request[] }) =>
      requests.filter(({ url }) => url.includes('runs.events')).length
    await waitFor(() => expect(streamed(after.server)).toBe(1))
    expect(streamed(before.server)).toBe(1)
  })

  it('does not show a run whose start was under way', async () => {
    const { wrapper, change } = changing()
    const { result, rerender } = renderHook(() => useAgentRun({ agentKey: 'chat' }), { wrapper })
    let starting: Promise<unknown> | undefined
    act(() => void (starting = result.current.start(HELLO)))
    change()
    rerender()
    expect(result.current.isStarting).toBe(false)
    await act(() => starting)
    expect(result.current).toMatchObject({ runId: null, status: 'idle', isStarting: false })
  })
})

describe('a component that leaves', () => {
  it('while a run is being started: it is created, and nobody complains', async () => {
    const complaints = vi.spyOn(console, 'error')
    const { server, client, render: renderIn } = scene()
    const { result, unmount } = renderIn(() => useAgentRun({ agentKey: 'chat' }))
    let starting: Promise<unknown> | undefined
    act(() => void (starting = result.current.start(HELLO)))
    unmount()
    expect(await starting).toMatchObject({ agentKey: 'chat' })
    expect((await client.runs.list()).count).toBe(1)
    expect(server.readers).toBe(0)
    expect(complaints).not.toHaveBeenCalled()
    complaints.mockRestore()
  })

  it('shares its stream with the one that stays', async () => {
    const { server, client, render: renderIn } = scene()
    const { id } = await client.runs.create({ agentKey: 'chat' })
    const { result, rerender } = renderIn(
      ({ both }) => {
        const one = useAgentRun(id)
        const other = useAgentRun(both ? id : null)
        return { one, other }
      },
      { both: true },
    )
    server.emit(id, { type: 'assistant.message', payload: { messageId: 'm', content: 'Hi' } })
    await waitFor(() => expect([result.current.one.text, result.current.other.text]).toEqual(['Hi', 'Hi']))
    rerender({ both: false })
    server.emit(id, { type: 'assistant.message', payload: { messageId: 'm', content: 'Ho' } })
    await waitFor(() => expect(result.current.one.text).toBe('Ho'))
    expect(result.current.other.text).toBe('')
    expect(server.requests.filter(({ url }) => url.includes('runs.events'))).toHaveLength(1)
  })
})

it('on a server all hooks render, and ask for nothing', () => {
  const { server, client } = scene()
  function Page() {
    const run = useAgentRun({ agentKey: 'chat', runId: '019aa000-0000-7000-8000-000000000001' })
    const conversation = useConversation('019aa000-0000-7000-8000-000000000002')
    const list = useConversations()
    return <p>{[run.status, conversation.isLoading, list.isLoading].join()}</p>
  }
  const html = renderToString(
    <AgentProvider client={client}>
      <Page />
    </AgentProvider>,
  )
  expect(html).toBe('<p>queued,true,true</p>')
  expect(server.requests).toHaveLength(0)
})
