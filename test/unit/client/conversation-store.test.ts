import { describe, expect, it } from 'vitest'
import type { ConversationStore } from '../../../client/conversation-store.ts'
import { createConversationStore } from '../../../client/conversation-store.ts'
import type { ConversationSignal } from '../../../client/follow-conversation.ts'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import type { ConversationDetail } from '../../../server/contract/conversation.ts'
import type { HistoryMessage } from '../../../server/contract/message.ts'
import { delta, fakeClock, RUN_ID, runEvent, settled } from './fake-transport.ts'

const message = (id: string, more: Partial<HistoryMessage>): HistoryMessage =>
  ({ id, parentId: null, runId: RUN_ID, createdAt: '2026-01-01T00:00:00.000Z', ...more }) as HistoryMessage

const question = message(`${RUN_ID}:0`, { role: 'user', content: 'What is new?' })

const page = (...messages: HistoryMessage[]) => ({ messages, cursor: '0' }) as ConversationDetail

/** A store with a listener, which has heard these events of a run. */
async function storeAfter(...events: AnyRunEvent[]): Promise<ConversationStore> {
  const clock = fakeClock()
  async function* follow(): AsyncGenerator<ConversationSignal, void, void> {
    for (const event of events) {
      yield { type: 'event', event: { ...event, cursor: String(event.seq) } }
    }
    await new Promise(() => {})
  }
  const store = createConversationStore({ clock, follow })
  store.subscribe(() => {})
  store.take(page(), 0)
  await settled()
  await clock.advance(100)
  return store
}

const runsOf = (store: ConversationStore) => [...store.getSnapshot().runs.keys()]

describe('a conversation store that takes a page of the history', () => {
  const call = { toolCallId: 'c', tool: 'search', arguments: {}, messageId: 'm1' }
  const brokenOff = [
    delta(1, 'Let me look.'),
    runEvent(2, { type: 'tool.call', payload: call }),
    runEvent(3, { type: 'run.cancelled', payload: {} }),
  ]

  it('drops a succeeded run whose messages the page has', async () => {
    const store = await storeAfter(
      delta(1, 'Hello.'),
      runEvent(2, { type: 'run.succeeded', payload: { output: null } }),
    )
    expect(runsOf(store)).toEqual([RUN_ID])
    store.take(page(question, message('m1', { role: 'assistant', content: 'Hello.' })), 1)
    expect(runsOf(store)).toEqual([])
  })

  it('keeps a run that broke off for its tool calls, since the page has only its texts', async () => {
    const store = await storeAfter(...brokenOff)
    const before = store.getSnapshot()
    store.take(
      page(question, message('m1', { role: 'assistant', content: 'Let me look.', incomplete: true })),
      1,
    )
    expect(runsOf(store)).toEqual([RUN_ID])
    expect(store.getSnapshot()).toBe(before)
  })

  it('keeps a run that broke off before its first text, while the page has its calls', async () => {
    const store = await storeAfter(
      runEvent(1, { type: 'reasoning.delta', payload: { messageId: 'm1', content: 'Where is it?' } }),
      runEvent(2, { type: 'tool.call', payload: call }),
      runEvent(3, { type: 'run.cancelled', payload: {} }),
    )
    const { toolCallId, tool, arguments: given, messageId } = call
    const calls = [{ toolCallId, tool, arguments: given }]
    const place = { messageId, runId: RUN_ID, createdAt: question.createdAt, afterId: question.id }
    store.take({ ...page(question), brokenOff: [{ ...place, calls }] }, 1)
    expect(runsOf(store)).toEqual([RUN_ID])
    store.take(page(question), 1)
    expect(runsOf(store)).toEqual([])
  })

  it('drops a run if the page shows another branch, with its question but not its answer', async () => {
    const store = await storeAfter(...brokenOff)
    expect(runsOf(store)).toEqual([RUN_ID])
    const again = message('n1', { runId: 'another', role: 'assistant', content: 'News.' })
    store.take(page(question, { ...again, parentId: question.id }), 1)
    expect(runsOf(store)).toEqual([])
  })

  it('keeps a run that ended after the page was read, until a later page is read', async () => {
    const store = await storeAfter(...brokenOff)
    store.take(page(question), 0)
    expect(runsOf(store)).toEqual([RUN_ID])
    store.take(page(), 1)
    expect(runsOf(store)).toEqual([])
  })
})
