// Adds to a history what its models thought, as far as its reader may see the runs and the events that told it.
import type { EventFilter } from '../contract/event.ts'
import type { Visibility } from '../contract/visibility.ts'
import type { HistoryMessage } from '../contract/message.ts'
import type { Part } from '../contract/message-part.ts'
import { visibleTo } from '../events/visibility.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { ShownRuns } from './shown-runs.ts'

export interface ReasoningSettings {
  debugMode: boolean
  /** Of `reasoning.delta`, unless its emitter says otherwise. */
  visibility: Visibility
}

/** @param findShown is asked only where there may be reasoning to see. */
export type WithReasoning = (
  messages: HistoryMessage[],
  filter: EventFilter,
  findShown: () => Promise<ShownRuns | null>,
) => Promise<HistoryMessage[]>

export function createWithReasoning(
  store: Pick<ConversationStore, 'readReasoning'>,
  { debugMode, visibility }: ReasoningSettings,
): WithReasoning {
  return async (messages, filter, findShown) => {
    const visibilities = visibleTo(filter, debugMode)
    // Most readers are told nothing of it: they do without the query.
    if (!filter.includeDebug && !visibilities.includes(visibility)) return messages
    const shown = await findShown()
    if (shown === null) return messages
    const said = messages.filter(({ role, runId }) => role === 'assistant' && shown.ids.has(runId))
    const found = await store.readReasoning(shown.reach, said, visibilities)
    const thoughts = new Map(found.map(({ runId, messageId, text }) => [`${runId} ${messageId}`, text]))
    return messages.map((message) => withThought(message, thoughts.get(`${message.runId} ${message.id}`)))
  }
}

function withThought(message: HistoryMessage, text: string | undefined): HistoryMessage {
  if (text === undefined || text === '' || message.role !== 'assistant') return message
  const { content } = message
  const said: readonly Part[] =
    typeof content === 'string' ? (content === '' ? [] : [{ type: 'text', text: content }]) : (content ?? [])
  // Its agent has answered with it.
  if (said.some(({ type }) => type === 'reasoning')) return message
  return { ...message, content: [{ type: 'reasoning', text }, ...said] as typeof content }
}
