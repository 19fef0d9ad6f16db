import { useMemo, useRef, useState } from 'react'
import type { Message } from '../../../client/index.ts'
import type { RunView } from '../../../react/index.ts'
import type { ShapesOf } from '../../../server/contract/agent-shape.ts'
import type runtime from '../../assistant/runtime.ts'
import { useAgentClient, useAgentRun, useConversation } from './agents.ts'
import { shownRunOf } from './shown-run.ts'
import type { UserMessage } from './turns.ts'
import { turnsOf } from './turns.ts'
import { waitingOf } from './waiting.ts'

export type AssistantRun = RunView<ShapesOf<typeof runtime>>
export type UserContent = (Message & { role: 'user' })['content']
export type Chat = ReturnType<typeof useChat>

interface ChatOptions {
  conversationId: string | null
  onConversationCreated: (conversationId: string) => void
}

const PAGE = 100
const MOST = 1_000

export function useChat({ conversationId, onConversationCreated }: ChatOptions) {
  const client = useAgentClient()
  const input = useRef<HTMLTextAreaElement>(null)
  const [pages, setPages] = useState({ conversationId, count: 1 })
  const limit = Math.min(MOST, PAGE * (pages.conversationId === conversationId ? pages.count : 1))
  const history = useConversation(conversationId, { includeFailedRuns: true, includeDebug: true, limit })
  const run = useAgentRun(shownRunOf(history))
  const [isSending, setIsSending] = useState(false)
  const [failure, setFailure] = useState<{ conversationId: string | null; message: string } | null>(null)

  const { shown, waiting } = useMemo(() => waitingOf(history), [history])

  /** Resolves with whether it was done. */
  async function attempt(action: () => Promise<unknown>): Promise<boolean> {
    setFailure(null)
    try {
      await action()
      return true
    } catch (error) {
      setFailure({ conversationId, message: error instanceof Error ? error.message : String(error) })
      return false
    }
  }

  /** Resolves with whether the message was sent. */
  async function send(content: UserContent): Promise<boolean> {
    setIsSending(true)
    const taken = await attempt(async () => {
      const { run } = await history.send([{ role: 'user', content }], { agentKey: 'assistant' })
      if (conversationId === null && run.conversationId) onConversationCreated(run.conversationId)
    })
    setIsSending(false)
    return taken
  }

  return {
    history,
    run,
    /** The field for the message. */
    input,
    turns: turnsOf(shown),
    waiting,
    send,
    edit: (message: UserMessage, text: string) =>
      attempt(() => history.edit(message.id, [{ role: 'user', content: withText(message.content, text) }])),
    regenerate: (messageId: string) => attempt(() => history.regenerate(messageId)),
    select: (messageId: string) => void attempt(() => history.select(messageId)),
    /** Removes all of a question that was never sent. */
    drop: (runId: string) =>
      attempt(async () => {
        await history.dropTurn(runId)
        await client.runs.delete(runId)
        await history.refetch()
      }),
    showOlder: () => setPages({ conversationId, count: limit / PAGE + 1 }),
    isSending,
    isBusy: isSending || history.activeRunId !== null || run.isActive,
    isEmpty: conversationId === null && shown.length === 0,
    isAnswered: shown.some(({ runId, role }) => runId === run.runId && role !== 'user'),
    error:
      (failure?.conversationId === conversationId ? failure.message : null) ??
      history.error?.message ??
      run.error?.message ??
      null,
  }
}

/** Its files stay. */
function withText(content: UserContent, text: string): UserContent {
  if (typeof content === 'string') return text
  return [{ type: 'text', text }, ...content.filter(({ type }) => type !== 'text')]
}
