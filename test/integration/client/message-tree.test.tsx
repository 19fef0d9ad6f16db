// The hook over a real server: a page edits messages, asks for new answers, and switches between the branches.
import '../../unit/react/dom.ts'
import { QueryClient } from '@tanstack/react-query'
import { renderHook, waitFor } from '@testing-library/react'
import type { ReactNode } from 'react'
import { act } from 'react'
import { expect } from 'vitest'
import { z } from 'zod'
import { createAgentClient } from '../../../client/create-client.ts'
import { createAgentHooks } from '../../../react/create-agent-hooks.ts'
import { defineAgent, textOf } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'

const parrot = defineAgent({
  key: 'parrot',
  params: z.object({ mark: z.string() }),
  async run({ params, messages, emitMessage }) {
    const content = `${textOf(messages.at(-1))}${params.mark}`
    await emitMessage(content)
    return { messages: [{ role: 'assistant', content }] }
  },
})

const PATIENCE = { timeout: 20_000 }

test('edits a message, asks for another answer, and switches branches', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [parrot] })
  const { AgentProvider, useConversation, useAgentRun } = createAgentHooks<typeof runtime>()
  const client = createAgentClient<typeof runtime>({
    url: 'http://runtime.test/trpc',
    fetch: (input, init) => runtime.handler(new Request(input, init)),
  })
  const queryClient = new QueryClient()
  const wrapper = ({ children }: { children: ReactNode }) => (
    <AgentProvider client={client} queryClient={queryClient}>
      {children}
    </AgentProvider>
  )
  const { id: conversationId } = await client.conversations.create()
  let runId: string | null = null
  const { result, rerender } = renderHook(
    () => ({
      conversation: useConversation(conversationId),
      run: useAgentRun({ agentKey: 'parrot', conversationId }),
      again: useAgentRun(runId),
    }),
    { wrapper },
  )
  const shown = () => result.current.conversation.messages.map((message) => textOf(message))
  const follow = async (run: { id: string }) => {
    runId = run.id
    rerender()
    await waitFor(() => expect(result.current.again.isSettled).toBe(true), PATIENCE)
  }
  await act(async () => {
    await result.current.run.start({ messages: [{ role: 'user', content: 'a' }], params: { mark: '!' } })
  })
  await waitFor(() => expect(shown()).toEqual(['a', 'a!']), PATIENCE)
  const [first] = result.current.conversation.messages

  // The new run has the params of the message's first run.
  await act(async () => follow(await result.current.conversation.edit(first?.id ?? '', 'b')))
  await waitFor(() => expect(shown()).toEqual(['b', 'b!']), PATIENCE)
  const [edited, answer] = result.current.conversation.messages
  expect(edited?.siblings).toEqual([first?.id, edited?.id])

  await act(async () => follow(await result.current.conversation.regenerate(answer?.id ?? '')))
  await waitFor(
    () => expect(result.current.conversation.messages.at(-1)?.siblings?.[0]).toBe(answer?.id),
    PATIENCE,
  )
  expect(result.current.conversation.messages.at(-1)?.id).not.toBe(answer?.id)
  expect(shown()).toEqual(['b', 'b!'])

  await act(() => result.current.conversation.select(first?.id ?? ''))
  await waitFor(() => expect(shown()).toEqual(['a', 'a!']), PATIENCE)
  await act(async () => {
    await expect(result.current.conversation.edit('nothing', 'c')).rejects.toMatchObject({
      code: 'not_found',
    })
    await expect(result.current.conversation.select('nothing')).rejects.toMatchObject({ code: 'not_found' })
  })
  await act(() => queryClient.cancelQueries())
})
