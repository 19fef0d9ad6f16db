import type { ConversationView } from '../../../react/index.ts'

/** The run whose turn it is, or else the last one, unless the history has all that it came to. */
export function shownRunOf({
  activeRunId,
  conversation,
  messages,
}: Pick<ConversationView, 'activeRunId' | 'conversation' | 'messages'>): string | null {
  if (activeRunId !== null) return activeRunId
  const last = messages.findLast(({ runId }) => runId !== '')
  if (last === undefined) return null
  const isWhole = last.role === 'assistant' && last.incomplete !== true
  const isStored = conversation?.messages.some(({ id }) => id === last.id) === true
  return isWhole && isStored ? null : last.runId
}
