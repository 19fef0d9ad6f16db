import type { ConversationView } from '../../../react/index.ts'

/** The run that has the turn, or else the last run, unless the history has all of its messages. */
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
