import { textOf } from '../../../client/index.ts'
import type { LiveMessage } from '../../../client/index.ts'
import type { ConversationView } from '../../../react/index.ts'

/** A question that waits for its turn. */
export interface Waiting {
  key: string
  text: string
  /** Null until the server has the question. */
  runId: string | null
}

/** A question that is sent while another answer is written is shown apart, as soon as it is sent. */
export function waitingOf({
  messages,
  queue,
  activeRunId,
}: Pick<ConversationView, 'messages' | 'queue' | 'activeRunId'>): {
  shown: LiveMessage[]
  waiting: Waiting[]
} {
  const turns = queue.filter(({ runId }) => runId !== activeRunId)
  const known = new Set(turns.map(({ runId }) => runId))
  const end = activeRunId === null ? -1 : messages.findLastIndex(({ runId }) => runId === activeRunId)
  const isSent = (index: number) => end !== -1 && index > end
  const sent = messages.filter(
    ({ runId, role }, index) => role === 'user' && isSent(index) && !known.has(runId),
  )
  return {
    shown: messages.filter(({ runId }, index) => !known.has(runId) && !isSent(index)),
    waiting: [
      ...turns.map(({ runId, text }) => ({ key: runId, text, runId })),
      ...sent.map((message) => ({
        key: message.runId || message.id,
        text: textOf(message),
        runId: message.runId || null,
      })),
    ],
  }
}
