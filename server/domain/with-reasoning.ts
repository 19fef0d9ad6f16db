// Adds to a history what its models thought, as far as its reader may see the runs and the events that told it.
import type { EventFilter } from '../contract/event.ts'
import type { Visibility } from '../contract/visibility.ts'
import type { HistoryMessage } from '../contract/message.ts'
import type { Part } from '../contract/message-part.ts'
import type { Principal } from '../contract/principal.ts'
import { visibleTo } from '../events/visibility.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { Access } from './access.ts'
import { findShownRuns } from './shown-runs.ts'

export interface ReasoningSettings {
  debugMode: boolean
  /** Of `reasoning.delta`, unless its emitter says otherwise. */
  visibility: Visibility
}

export type WithReasoning = (
  principal: Principal,
  messages: HistoryMessage[],
  filter: EventFilter,
) => Promise<HistoryMessage[]>

export function createWithReasoning(
  {
    store,
    access,
  }: { store: Pick<ConversationStore, 'readReasoning'>; access: Pick<Access, 'reach' | 'may'> },
  { debugMode, visibility }: ReasoningSettings,
): WithReasoning {
  return async (principal, messages, filter) => {
    const visibilities = visibleTo(filter, debugMode)
    // Most readers are told nothing of it: they do without the query.
    if (!filter.includeDebug && !visibilities.includes(visibility)) return messages
    // A conversation may be read by more people than its runs.
    const reach = await access.reach(principal, 'run')
    if (reach === null) return messages
    const said = messages.filter(({ role }) => role === 'assistant')
    const found = await store.readReasoning(reach, said, visibilities)
    const shown = await findShownRuns(access, principal, { runs: found.map(({ run }) => run), filter })
    const told = found.filter(({ run }) => shown.has(run.id))
    const thoughts = new Map(told.map(({ run, messageId, text }) => [`${run.id} ${messageId}`, text]))
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
