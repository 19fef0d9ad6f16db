// What a component selects from a live conversation, how often it renders, and which callbacks and actions it has.
import '../../unit/react/dom.ts'
import { QueryClient } from '@tanstack/react-query'
import { renderHook, waitFor } from '@testing-library/react'
import { act } from 'react'
import { expect } from 'vitest'
import { createAgentClient } from '../../../client/create-client.ts'
import { createAgentHooks } from '../../../react/create-agent-hooks.ts'
import { defineAgent, textOf } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'
import { PATIENCE, user } from './conversation-page.tsx'

const WORDS = 100

/** Says words, each in its own event. If it is asked to, it then waits until it is stopped. */
const talker = defineAgent({
  key: 'talker',
  async run(ctx) {
    const messageId = `answer ${ctx.runId}`
    for (let word = 0; word < WORDS; word += 1) {
      await ctx.emit('assistant.delta', { messageId, content: `${word} ` })
      // Each word takes longer than a frame, as with a model.
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    if (textOf(ctx.messages.at(-1)) === 'stay') {
      await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
    }
    return { messages: [{ role: 'assistant', content: 'done', id: messageId }] }
  },
})

test('a component renders only when what it selects changes, and gets each event once', async ({
  createServer,
}) => {
  const { runtime } = await createServer({ agents: [talker] })
  const client = createAgentClient<typeof runtime>({
    url: 'http://runtime.test/trpc',
    fetch: (input, init) => runtime.handler(new Request(input, init)),
  })
  const { AgentProvider, useConversation } = createAgentHooks<typeof runtime>()
  const { id } = await client.conversations.create({ title: 'long' })
  const queryClient = new QueryClient()
  const renders = { selected: 0, slow: 0, whole: 0 }
  const events: string[] = []
  const ends: { runId: string; status: string }[] = []
  const page = renderHook(
    () => {
      renders.selected += 1
      return useConversation(id, {
        select: ({ conversation, activeRunId, stop, fork, edit }) => ({
          title: conversation?.title,
          activeRunId,
          ...{ stop, fork, edit },
        }),
        onEvent: ({ runId, seq, type }) => void events.push(`${runId} ${seq} ${type}`),
        onFinish: (run) => void ends.push(run),
      })
    },
    {
      wrapper: ({ children }) => (
        <AgentProvider client={client} queryClient={queryClient}>
          {children}
        </AgentProvider>
      ),
      reactStrictMode: true,
    },
  )
  const other = renderHook(
    () => {
      const slow = useConversation(id, { throttleMs: 300 })
      renders.slow += 1
      return slow
    },
    {
      wrapper: ({ children }) => (
        <AgentProvider client={client} queryClient={queryClient}>
          {children}
        </AgentProvider>
      ),
    },
  )
  await waitFor(() => expect(page.result.current.title).toBe('long'), PATIENCE)
  const before = renders.selected
  const begun = Date.now()
  const run = await act(() =>
    client.runs.create({ agentKey: 'talker', conversationId: id, messages: [user('stay')] }),
  )
  await waitFor(
    () => expect(other.result.current.messages.at(-1)).toMatchObject({ pending: 'streaming' }),
    PATIENCE,
  )
  const last = () => textOf(other.result.current.messages.at(-1))
  await waitFor(() => expect(last()).toContain(`${WORDS - 1} `), PATIENCE)
  expect(page.result.current.activeRunId).toBe(run.id)
  // It renders when the run is created and begins, and when history and queue are read, but not for words. Strict mode renders twice.
  expect(renders.selected - before).toBeLessThan(WORDS / 2)
  expect(renders.slow).toBeLessThan(20 + (Date.now() - begun) / 300)

  await act(() => page.result.current.stop())
  await waitFor(() => expect(ends).toEqual([{ runId: run.id, status: 'cancelled' }]), PATIENCE)
  const seqs = events.map((event) => Number(event.split(' ')[1]))
  expect(events.at(-1)).toContain('run.cancelled')
  expect([...new Set(seqs)].toSorted((one, other) => one - other)).toEqual(seqs)
  await waitFor(() => expect(page.result.current.activeRunId).toBeNull(), PATIENCE)
  await act(() => page.result.current.stop())

  // Its actions use the newest state, which it has not rendered.
  await waitFor(() => expect(other.result.current.messages.length).toBeGreaterThan(0), PATIENCE)
  const [asked] = other.result.current.messages
  const forked = await act(() => page.result.current.fork(asked?.id ?? '', { title: 'copy' }))
  expect(forked).toMatchObject({ title: 'copy' })
  expect((await client.conversations.get({ conversationId: forked.id })).messages.map(textOf)).toEqual([
    'stay',
  ])
  const again = await act(() => page.result.current.edit(asked?.id ?? '', 'go'))
  await waitFor(() => expect(ends.at(-1)).toEqual({ runId: again.id, status: 'succeeded' }), PATIENCE)
  page.unmount()
  other.unmount()
})
