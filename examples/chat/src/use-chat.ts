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

/** A question on its way; shown until what is shown of the conversation, which had `after` messages then, has it too. */
interface Pending {
  conversationId: string | null
  content: string
  after: number
  runId: string | null
}

export function useChat({ conversationId, onConversationCreated, includeDebug }: ChatOptions) {
  const history = useConversation(conversationId, { includeFailedRuns: true })
  const { create: createConversation } = useConversations({ agentKey: 'assistant' })
  const unfinishedRunId = useUnfinishedRun(conversationId)
  const run = useAgentRun({ agentKey: 'assistant', conversationId, runId: unfinishedRunId, includeDebug })
  const [pending, setPending] = useState<Pending | null>(null)
  const [isSending, setIsSending] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const { messages } = history
  const isPending =
    pending !== null &&
    pending.conversationId === conversationId &&
    !messages.some(({ runId }) => runId === pending.runId) &&
    !messages.slice(pending.after).some(({ role }) => role === 'user')
  const isAnswered = messages.some(({ runId, role }) => runId === run.runId && role !== 'user')

  /** Whether the question was taken. */
  async function send(content: string): Promise<boolean> {
    const question = { content, after: messages.length, runId: null }
    setIsSending(true)
    setFailure(null)
    setPending({ ...question, conversationId })
    try {
      const id =
        conversationId ?? (await createConversation({ agentKey: 'assistant', title: titleOf(content) })).id
      setPending({ ...question, conversationId: id })
      if (conversationId === null) onConversationCreated(id)
      const handle = await run.start({ conversationId: id, messages: [{ role: 'user', content }] })
      if (handle !== null) {
        setPending({ ...question, conversationId: id, runId: handle.id })
        return true
      }
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
    isAnswered,
    showsRun: run.runId !== null && !isSending && !run.isSettled,
    error: failure ?? history.error?.message ?? run.error?.message ?? null,
  }
}

function titleOf(question: string): string {
  const line = question.trim().replaceAll(/\s+/g, ' ')
  return line.length <= MAX_TITLE_LENGTH ? line : `${line.slice(0, MAX_TITLE_LENGTH - 1)}…`
}
