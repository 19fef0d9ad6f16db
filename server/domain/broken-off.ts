// Finds the calls of runs that were broken off, as far as the reader of a history may see the runs and these events. A
// history does not have them: an agent decides which calls it tells everybody, and these agents never came to it.
import type { BrokenOffCall, BrokenOffCalls } from '../contract/conversation.ts'
import type { EventFilter } from '../contract/event.ts'
import type { Json } from '../contract/json.ts'
import type { HistoryMessage } from '../contract/message.ts'
import type { Visibility } from '../contract/visibility.ts'
import { visibleTo } from '../events/visibility.ts'
import type { BrokenOffEvent, ConversationStore } from '../ports/store/conversation-store.ts'
import type { ShownRuns } from './shown-runs.ts'

/** @param findShown is asked only where there may be calls to see. */
export type FindBrokenOff = (
  messages: readonly HistoryMessage[],
  filter: EventFilter,
  findShown: () => Promise<ShownRuns | null>,
) => Promise<BrokenOffCalls[]>

/** @param visibility that of `tool.call`, unless its emitter says otherwise */
export function createFindBrokenOff(
  store: Pick<ConversationStore, 'readBrokenOff'>,
  { debugMode, visibility }: { debugMode: boolean; visibility: Visibility },
): FindBrokenOff {
  return async (messages, filter, findShown) => {
    const visibilities = visibleTo(filter, debugMode)
    // Most readers may see no calls, so they do without the query.
    if (!filter.includeDebug && !visibilities.includes(visibility)) return []
    const shown = await findShown()
    if (shown === null) return []
    const events = await store.readBrokenOff(shown.reach, [...shown.ids], visibilities)
    const told = Map.groupBy(events, ({ runId }) => runId)
    const byRun = Map.groupBy(messages, ({ runId }) => runId)
    return [...byRun].flatMap(([runId, ofRun]) => callsOf(ofRun, told.get(runId) ?? []))
  }
}

/** @param messages those of the window, of one run */
function callsOf(messages: readonly HistoryMessage[], events: readonly BrokenOffEvent[]): BrokenOffCalls[] {
  const roles = new Map(messages.map(({ id, role }) => [id, role]))
  const stored = new Set(events.flatMap(({ type, payload }) => (type === 'text' ? [idIn(payload)] : [])))
  const found = new Map<string, BrokenOffCalls>()
  /** By message and id, and the newest by id alone: some providers number their calls anew in each answer. */
  const calls = new Map<string, BrokenOffCall>()
  // What comes after a message of another window belongs to that window.
  let afterId: string | null =
    messages.findLast(({ id, incomplete }) => incomplete !== true && !stored.has(id))?.id ?? null
  let saidId: string | null = null
  for (const { runId, type, at, payload } of events) {
    const { toolCallId, tool, arguments: input = null, result = null, isError } = fieldsOf(payload)
    if (type === 'text') {
      const id = idIn(payload)
      afterId = roles.has(id) ? id : null
      if (roles.get(id) === 'assistant') saidId = id
    } else if (typeof toolCallId !== 'string') {
      continue
    } else if (type === 'tool.result') {
      const call = calls.get(toolCallId)
      if (call !== undefined) Object.assign(call, { result, ...(isError === true && { isError }) })
    } else if (typeof tool === 'string') {
      const messageId: string = idIn(payload) || saidId || toolCallId
      const key = JSON.stringify([messageId, toolCallId])
      const isElsewhere = stored.has(messageId) ? !roles.has(messageId) : afterId === null
      // A later attempt tells again what it runs again.
      if (isElsewhere || calls.has(key)) continue
      const call: BrokenOffCall = { toolCallId, tool, arguments: input }
      calls.set(key, call).set(toolCallId, call)
      const known = found.get(messageId)
      if (known !== undefined) {
        known.calls.push(call)
        continue
      }
      const place = stored.has(messageId) || afterId === null ? messageId : afterId
      found.set(messageId, { messageId, runId, createdAt: at, afterId: place, calls: [call] })
      saidId = messageId
    }
  }
  return [...found.values()]
}

const fieldsOf = (payload: unknown) => Object(payload) as Record<string, Json | undefined>

function idIn(payload: unknown): string {
  const { messageId } = fieldsOf(payload)
  return typeof messageId === 'string' ? messageId : ''
}
