// A page that shows a conversation over a real server, and an agent that speaks when it is told to.
import '../../unit/react/dom.ts'
import { QueryClient } from '@tanstack/react-query'
import { renderHook, waitFor } from '@testing-library/react'
import type { ReactNode } from 'react'
import { expect } from 'vitest'
import { createAgentClient } from '../../../client/create-client.ts'
import { createAgentHooks } from '../../../react/create-agent-hooks.ts'
import type { ConversationOptions, ConversationView } from '../../../react/use-conversation.ts'
import type { ShapeOfAgent } from '../../../server/agent/agent.ts'
import { defineAgent, textOf } from '../../../server/index.ts'
import type { AgentRuntime } from '../../../server/runtime/agent-runtime.ts'

/** Repeats its input in two pieces. It holds the second one back until it is released. */
export function createTalker() {
  const held = new Map<string, PromiseWithResolvers<void>>()
  const gate = (text: string) => {
    const known = held.get(text) ?? Promise.withResolvers<void>()
    held.set(text, known)
    return known
  }
  const talker = defineAgent({
    key: 'talker',
    async run(ctx) {
      const told = textOf(ctx.messages.at(-1))
      const messageId = `answer ${ctx.runId}`
      await ctx.emit('assistant.delta', { messageId, content: `${told},` })
      await Promise.race([
        gate(told).promise,
        new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
      ])
      await ctx.emit('assistant.delta', { messageId, content: ' indeed' })
      return { messages: [{ role: 'assistant', content: `${told}, indeed`, id: messageId }] }
    },
  })
  return { talker, release: (text: string) => gate(text).resolve() }
}

export const PATIENCE = { timeout: 20_000 }
export const user = (content: string) => ({ role: 'user' as const, content })

type Runtime = AgentRuntime<ShapeOfAgent<ReturnType<typeof createTalker>['talker']>>

export interface PageOptions extends ConversationOptions {
  /** Runs are created once this resolves. */
  creating?: Promise<void>
  /** The requests for them are answered once this resolves. */
  answering?: Promise<void>
  /** The `QueryClient` of an earlier page in the same tab. Default: a new one. */
  client?: Client
  queryClient?: QueryClient
}

type Client = ReturnType<typeof createClient>

export type Page = ReturnType<typeof openPage>

const createClient = (
  { runtime }: { runtime: Runtime },
  { creating, answering }: Record<'creating' | 'answering', Promise<void> | undefined>,
) =>
  createAgentClient<Runtime>({
    url: 'http://runtime.test/trpc',
    async fetch(input, init) {
      const request = new Request(input, init)
      const isCreating = request.url.includes('runs.create')
      if (isCreating) await creating
      const response = await runtime.handler(request)
      if (isCreating) await answering
      return response
    },
  })

export function openPage(
  server: { runtime: Runtime },
  conversationId: string,
  {
    creating,
    answering,
    client = createClient(server, { creating, answering }),
    queryClient = new QueryClient(),
    ...options
  }: PageOptions = {},
) {
  const { AgentProvider, useConversation } = createAgentHooks<Runtime>()
  const wrapper = ({ children }: { children: ReactNode }) => (
    <AgentProvider client={client} queryClient={queryClient}>
      {children}
    </AgentProvider>
  )
  const initialProps: { id: string; limit?: number } = { id: conversationId }
  const view = renderHook(({ id, ...more }) => useConversation(id, { ...options, ...more }), {
    wrapper,
    initialProps,
  })
  return {
    ...view,
    shown: () => shownBy(view),
    queue: () => view.result.current.queue.map(({ text }) => text),
    shows: (texts: string[]) => waitFor(() => expect(shownBy(view)).toEqual(texts), PATIENCE),
    /** Waits until the history was read and has so many messages. */
    hasRead: (count: number) =>
      waitFor(() => expect(view.result.current.conversation?.totalMessages).toBe(count), PATIENCE),
    client,
    queryClient,
  }
}

const shownBy = ({ result }: { result: { current: Pick<ConversationView, 'messages'> } }) =>
  result.current.messages.map((message) =>
    message.pending === undefined ? textOf(message) : `${textOf(message)} (${message.pending})`,
  )
