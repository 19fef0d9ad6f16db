// How often a component renders for its part of a view, and what it gets besides.
import { hooks, scene } from './scene.tsx'
import { act, render as renderPage, waitFor } from '@testing-library/react'
import type { ReactNode } from 'react'
import { Component } from 'react'
import { describe, expect, it, vi } from 'vitest'

const { useAgentRun, useConversation } = hooks
const HELLO = { messages: [{ role: 'user' as const, content: 'Hello' }] }

/** A hook that counts how often it is rendered. Strict mode renders each time twice. */
function counted<TResult>(hook: () => TResult) {
  const seen: TResult[] = []
  return { seen, hook: () => (seen.push(hook()), seen.at(-1) as TResult) }
}

class Boundary extends Component<{ children: ReactNode }, { message?: string }> {
  override state: { message?: string } = {}
  static getDerivedStateFromError = ({ message }: Error) => ({ message })
  override render = () => this.state.message ?? this.props.children
}

const distinct = (values: readonly unknown[]) => values.filter((value, at) => value !== values[at - 1])

async function started() {
  const { server, client, render } = scene()
  const { id } = await client.runs.create({ agentKey: 'chat', ...HELLO })
  /** One after the other, like a model writes. Each has been shown to the components that want it. */
  const stream = async (words: number, from = 0) => {
    for (let word = from; word < from + words; word += 1) {
      server.emit(id, { type: 'assistant.delta', payload: { messageId: 'm', content: `${word} ` } })
      await waitFor(() => expect(client.runs.store(id).getSnapshot().text).toContain(`${word} `))
      await act(async () => {})
    }
  }
  return { server, client, render, id, stream }
}

describe('a component that selects', () => {
  it('renders when that changes, and not for what streams in beside it', async () => {
    const { server, render, id, stream } = await started()
    const status = counted(() => useAgentRun(id, { select: (run) => run.status }))
    const whole = counted(() => useAgentRun(id))
    render(() => [status.hook, whole.hook].length)
    const one = render(status.hook)
    const other = render(whole.hook)
    await stream(1)
    await waitFor(() => expect(one.result.current).toBe('running'))
    const before = status.seen.length
    await stream(20, 1)
    expect(status.seen).toHaveLength(before)
    expect(distinct(whole.seen.map(({ text }) => text)).length).toBeGreaterThan(20)
    act(() => server.succeed(id, { response: 'hi' }, 'hi'))
    await waitFor(() => expect(one.result.current).toBe('succeeded'))
    await waitFor(() => expect(other.result.current.isSettled).toBe(true))
    expect(distinct(status.seen)).toEqual(['queued', 'running', 'succeeded'])
    // Besides the three: once for the end, and once for the conversations that were read again. Each twice.
    expect(status.seen.length).toBeLessThanOrEqual(before + 6)
  })

  it('has the same object while what is in it is equal, with functions that work', async () => {
    const { render, id, stream } = await started()
    const part = counted(() =>
      useAgentRun(id, {
        select: ({ status, messages, cancel }) => ({ status, ids: messages.map((one) => one.id), cancel }),
      }),
    )
    const { result } = render(part.hook)
    await stream(1)
    await waitFor(() => expect(result.current.ids).toEqual(['m']))
    const [before, { ids }] = [part.seen.length, result.current]
    await stream(10, 1)
    expect(part.seen).toHaveLength(before)
    await act(() => result.current.cancel())
    await waitFor(() => expect(result.current.status).toBe('cancelled'))
    expect(result.current.ids).toBe(ids)
  })

  it('selects anew when its function selects something else', async () => {
    const { render, id, stream } = await started()
    const { result, rerender } = render(
      ({ field }: { field: 'status' | 'text' }) => useAgentRun(id, { select: (run) => run[field] }),
      { field: 'status' },
    )
    await stream(3)
    expect(result.current).toBe('running')
    rerender({ field: 'text' })
    expect(result.current).toBe('0 1 2 ')
    await stream(1, 3)
    await waitFor(() => expect(result.current).toBe('0 1 2 3 '))
  })

  it('starts runs, and sees why one was refused', async () => {
    const { server, render } = scene()
    const { result } = render(() =>
      useAgentRun({ agentKey: 'nobody', select: ({ start, error }) => ({ start, code: error?.code }) }),
    )
    await act(async () => void (await result.current.start({})))
    expect(result.current.code).toBe('unknown_agent')
    expect(server.readers).toBe(0)
  })

  it('of a conversation renders for what it selects', async () => {
    const { server, client, render } = scene()
    const { id } = await client.conversations.create({ title: 'of one' })
    const { id: runId } = await client.runs.create({ agentKey: 'chat', conversationId: id, ...HELLO })
    server.succeed(runId, { response: 'hi' }, 'hi')
    const view = counted(() => useConversation(id, { select: (one) => one.messages.length }))
    const { result } = render(view.hook)
    expect(result.current).toBe(0)
    await waitFor(() => expect(result.current).toBe(2))
    expect(distinct(view.seen)).toEqual([0, 2])
  })

  it('that fails to select fails as a component, and harms no other', async () => {
    const { client, render, id, stream } = await started()
    const complaints = vi.spyOn(console, 'error').mockImplementation(() => {})
    const good = render(() => useAgentRun(id, { select: (run) => run.text }))
    function Bad() {
      const select = ({ text, status }: { text: string; status: string }) => {
        if (text !== '') throw new Error('not this')
        return status
      }
      return <p>{useAgentRun(id, { select })}</p>
    }
    const page = renderPage(
      <hooks.AgentProvider client={client}>
        <Boundary>
          <Bad />
        </Boundary>
      </hooks.AgentProvider>,
    )
    expect(page.container.textContent).toBe('queued')
    await stream(2)
    await waitFor(() => expect(page.container.textContent).toBe('not this'))
    await waitFor(() => expect(good.result.current).toBe('0 1 '))
    complaints.mockRestore()
  })
})

describe('a component that is told less often', () => {
  it('renders no more often than it says, and for the last of it', async () => {
    const { render, id, stream } = await started()
    const slow = counted(() => useAgentRun(id, { throttleMs: 60_000, select: (run) => run.text }))
    const some = counted(() => useAgentRun(id, { throttleMs: 200, select: (run) => run.text }))
    render(slow.hook)
    const { result } = render(some.hook)
    const begun = Date.now()
    await stream(30)
    await waitFor(() => expect(result.current).toContain('29 '))
    const most = Math.ceil((Date.now() - begun) / 200) + 2
    expect(distinct(some.seen).length).toBeLessThanOrEqual(most)
    expect(distinct(slow.seen).length).toBeLessThanOrEqual(2)
  })
})

describe('what a component is told', () => {
  it('is each event once, and how the run ended, with its output', async () => {
    const { server, client, render, id, stream } = await started()
    const [events, ends]: [string[], unknown[]] = [[], []]
    const options = {
      onEvent: ({ seq, type }: { seq: number; type: string }) => events.push(`${seq} ${type}`),
      onFinish: ({ status, output }: { status: string; output: unknown }) => ends.push({ status, output }),
      select: () => null,
    }
    const page = render(() => useAgentRun(id, options))
    await stream(2)
    server.cut()
    await stream(1, 2)
    expect(ends).toEqual([])
    act(() => server.succeed(id, { response: 'hi' }, 'hi'))
    await waitFor(() => expect(ends).toEqual([{ status: 'succeeded', output: { response: 'hi' } }]))
    expect(events).toEqual(['1 assistant.delta', '2 assistant.delta', '3 assistant.delta', '4 run.succeeded'])
    page.unmount()
    // A component that comes after a run's end gets everything.
    events.length = 0
    const { result } = render(() =>
      useAgentRun({ agentKey: 'chat', runId: id, ...options, select: undefined }),
    )
    await waitFor(() => expect(ends).toHaveLength(2))
    expect(events).toHaveLength(4)
    await act(async () => void (await result.current.start(HELLO)))
    const next = (await client.runs.list()).items.find((run) => run.id !== id)
    act(() =>
      server.emit(next?.id ?? '', { type: 'run.failed', payload: { error: 'no', code: 'agent_error' } }),
    )
    await waitFor(() => expect(ends.at(-1)).toEqual({ status: 'failed', output: null }))
    expect(ends).toHaveLength(3)
  })

  it('is each error once, whether or not it is selected', async () => {
    const { server, render } = scene()
    const errors: string[] = []
    const onError = ({ code }: { code: string }) => errors.push(code)
    const { result } = render(() =>
      useAgentRun({ agentKey: 'nobody', onError, select: ({ start }) => start }),
    )
    await act(async () => void (await result.current({})))
    await waitFor(() => expect(errors).toEqual(['unknown_agent']))
    render(() => useAgentRun('019aa000-0000-7000-8000-00000000ffff', { onError, select: () => 0 }))
    await waitFor(() => expect(errors).toEqual(['unknown_agent', 'not_found']))
    expect(server.readers).toBe(0)
  })
})
