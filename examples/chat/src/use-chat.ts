import { useState } from 'react'
import type { AgentRun } from '../../../react/index.ts'
import type { ShapesOf } from '../../../server/contract/agent-shape.ts'
import type runtime from '../../assistant/runtime.ts'
import { useAgentRun, useConversation, useConversations } from './agents.ts'
import { useUnfinishedRun } from './use-unfinished-run.ts'

export type AssistantRun = AgentRun<ShapesOf<typeof runtime>>

interface ChatOptions {
  conversationId: string | null
  onConversationCreated: (conversationId: string) => void
  includeDebug: boolean
}

const MAX_TITLE_LENGTH = 60

/** A question on its way; shown until the history, which had `after` messages then, has it too. */
interface Pending {
  conversationId: string | null
  content: string
  after: number
}

export function useChat({ conversationId, onConversationCreated, includeDebug }: ChatOptions) {
  const history = useConversation(conversationId, { includeFailedRuns: true })
  const { create: createConversation } = useConversations({ agentKey: 'assistant' })
  const unfinishedRunId = useUnfinishedRun(conversationId)
  const run = useAgentRun({ agentKey: 'assistant', conversationId, runId: unfinishedRunId, includeDebug })
  const [pending, setPending] = useState<Pending | null>(null)
  const [isSending, setIsSending] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const total = history.conversation?.totalMessages ?? 0
  const isPending = pending !== null && pending.conversationId === conversationId && total <= pending.after
  // The history has the answer itself: the run that gave it would show it once more.
  const isAnswered = history.messages.at(-1)?.role === 'assistant'

  /** Whether the question was taken. */
  async function send(content: string): Promise<boolean> {
    const question = { content, after: total }
    setIsSending(true)
    setFailure(null)
    setPending({ ...question, conversationId })
    try {
      const id =
        conversationId ?? (await createConversation({ agentKey: 'assistant', title: titleOf(content) })).id
      setPending({ ...question, conversationId: id })
      if (conversationId === null) onConversationCreated(id)
      const handle = await run.start({ conversationId: id, messages: [{ role: 'user', content }] })
      if (handle !== null) return true
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    } finally {
      setIsSending(false)
    }
    setPending(null)
    return false
  }

  return {
    history,
    run,
    send,
    pending: isPending ? pending.content : null,
    isBusy: isSending || run.isActive,
    isEmpty: conversationId === null && !isPending,
    showsRun: run.runId !== null && !isSending && (isPending || !isAnswered),
    error: failure ?? history.error?.message ?? run.error?.message ?? null,
  }
}

function titleOf(question: string): string {
  const line = question.trim().replaceAll(/\s+/g, ' ')
  return line.length <= MAX_TITLE_LENGTH ? line : `${line.slice(0, MAX_TITLE_LENGTH - 1)}…`
}
