// Stores after their reader gets new rights, like a visitor who has signed in.
import { describe, expect, it } from 'vitest'
import { createConversationStore } from '../../../client/conversation-store.ts'
import { followConversation } from '../../../client/follow-conversation.ts'
import { followRun } from '../../../client/follow-run.ts'
import { createRunStore } from '../../../client/run-store.ts'
import { AgentRuntimeError } from '../../../server/contract/agent-runtime-error.ts'
import type { ConversationDetail } from '../../../server/contract/conversation.ts'
import { dependencies, fakeClock, fakeTransport, LOST, RUN_ID, settled } from './fake-transport.ts'

const REFUSED = new AgentRuntimeError('not_found', 'There is no such thing.')
const FRAME_MS = 16

function scene() {
  const clock = fakeClock()
  const transport = fakeTransport()
  return { clock, transport, dependencies: dependencies(transport, clock) }
}

const kinds = {
  run() {
    const { dependencies: given, ...rest } = scene()
    const store = createRunStore(RUN_ID, {
      clock: rest.clock,
      follow: (options) => followRun(given, RUN_ID, options),
    })
    store.subscribe(() => {})
    return { ...rest, store }
  },
  conversation() {
    const { dependencies: given, ...rest } = scene()
    const store = createConversationStore({
      clock: rest.clock,
      follow: (options) => followConversation(given, 'a', options),
    })
    store.subscribe(() => {})
    store.take({ messages: [], cursor: '0' } as unknown as ConversationDetail, 0)
    return { ...rest, store }
  },
}

describe.each(['run', 'conversation'] as const)('a store of a %s', (kind) => {
  it('follows once more after a refusal', async () => {
    const { store, transport, clock } = kinds[kind]()
    const refused = await transport.opened(0)
    refused.onFailed(REFUSED)
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot().error?.code).toBe('not_found')
    store.followFailed()
    const second = await transport.opened(1)
    second.onOpened()
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot().error).toBeNull()
  })

  it('follows once more while the request is under way, because the server may refuse it', async () => {
    const { store, transport, clock } = kinds[kind]()
    const early = await transport.opened(0)
    store.followFailed()
    const late = await transport.opened(1)
    early.onFailed(REFUSED)
    late.onOpened()
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot().error).toBeNull()
    expect([early.isClosed, late.isClosed]).toEqual([true, false])
  })

  it('follows once more while a lost stream is opened again', async () => {
    const { store, transport, clock } = kinds[kind]()
    const lost = await transport.opened(0)
    lost.onOpened()
    await settled()
    lost.onFailed(LOST)
    await settled()
    store.followFailed()
    const late = await transport.opened(1)
    late.onOpened()
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot()).toMatchObject({ error: null, isRecovering: false })
  })

  it('keeps a stream that is open', async () => {
    const { store, transport } = kinds[kind]()
    const stream = await transport.opened(0)
    stream.onOpened()
    await settled()
    store.followFailed()
    await settled()
    expect([transport.streams.length, stream.isClosed]).toEqual([1, false])
  })
})
