import { describe, expect, it, vi } from 'vitest'
import { followRun } from '../../../client/follow-run.ts'
import type { RunStore } from '../../../client/run-store.ts'
import { createRunStore } from '../../../client/run-store.ts'
import { createStores } from '../../../client/stores.ts'
import { AgentRuntimeError } from '../../../server/contract/agent-runtime-error.ts'
import type { FakeClock, FakeTransport } from './fake-transport.ts'
import {
  delta,
  dependencies,
  fakeClock,
  fakeTransport,
  LOST,
  RUN_ID,
  runEvent,
  runRecord,
  settled,
} from './fake-transport.ts'

interface Scene {
  transport: FakeTransport
  clock: FakeClock
  store: RunStore
}

function scene(transport: FakeTransport = fakeTransport()): Scene {
  const clock = fakeClock()
  const store = createRunStore(RUN_ID, {
    clock,
    follow: (options) => followRun(dependencies(transport, clock), RUN_ID, options),
  })
  return { transport, clock, store }
}

const FRAME_MS = 16
const DETACH_MS = 1_000

describe('a run store', () => {
  it('connects with the first listener, once for all listeners', async () => {
    const { transport, store } = scene()
    expect(transport.streams).toHaveLength(0)
    store.subscribe(() => {})
    store.subscribe(() => {})
    await settled()
    expect(transport.streams).toHaveLength(1)
  })

  it('notifies once for all events of a frame', async () => {
    const { transport, clock, store } = scene()
    const listener = vi.fn<() => void>()
    store.subscribe(listener)
    const stream = await transport.opened(0)
    stream.onOpened()
    await clock.advance(FRAME_MS)
    listener.mockClear()
    for (let seq = 1; seq <= 100; seq += 1) stream.onEvent(delta(seq, 'x'))
    await clock.advance(FRAME_MS)
    expect(listener).toHaveBeenCalledTimes(1)
    expect(store.getSnapshot().text).toHaveLength(100)
    expect(store.getSnapshot().events).toHaveLength(100)
  })

  it('never shows a success without the output', async () => {
    const { transport, clock, store } = scene(fakeTransport(runRecord({ status: 'succeeded', output: 42 })))
    const seen: unknown[] = []
    store.subscribe(() => seen.push([store.getSnapshot().status, store.getSnapshot().output]))
    const stream = await transport.opened(0)
    stream.onEvent(delta(1, 'x'))
    await clock.advance(FRAME_MS)
    stream.onEvent(runEvent(2, { type: 'run.succeeded', payload: {} }))
    await clock.advance(FRAME_MS)
    await clock.advance(FRAME_MS)
    expect(seen).toContainEqual(['succeeded', 42])
    expect(seen).not.toContainEqual(['succeeded', null])
  })

  it('returns the same snapshot until something changes', async () => {
    const { transport, clock, store } = scene()
    store.subscribe(() => {})
    const stream = await transport.opened(0)
    const before = store.getSnapshot()
    expect(store.getSnapshot()).toBe(before)
    stream.onEvent(delta(1, 'x'))
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot()).not.toBe(before)
    expect(before.text).toBe('')
  })

  it('keeps its connection over a remount', async () => {
    const { transport, clock, store } = scene()
    store.subscribe(() => {})()
    store.subscribe(() => {})
    const stream = await transport.opened(0)
    await clock.advance(DETACH_MS * 2)
    expect(stream.isClosed).toBe(false)
    expect(transport.streams).toHaveLength(1)
  })

  it('detaches a moment after the last listener left, and later continues from there', async () => {
    const { transport, clock, store } = scene()
    const leave = store.subscribe(() => {})
    const first = await transport.opened(0)
    first.onEvent(delta(1, 'a'))
    await clock.advance(FRAME_MS)
    leave()
    await clock.advance(DETACH_MS - 1)
    expect(first.isClosed).toBe(false)
    await clock.advance(1)
    expect(first.isClosed).toBe(true)

    store.subscribe(() => {})
    const second = await transport.opened(1)
    expect(second.request.lastEventId).toBe(1)
    second.onEvent(delta(2, 'b'))
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot().text).toBe('ab')
  })

  it('shows while it recovers', async () => {
    const { transport, clock, store } = scene()
    store.subscribe(() => {})
    const first = await transport.opened(0)
    first.onFailed(LOST)
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot()).toMatchObject({ isRecovering: true, isActive: true, error: null })
    await clock.advance(1_000)
    const second = await transport.opened(1)
    second.onOpened()
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot().isRecovering).toBe(false)
  })

  it('shows why it gave up, and tries again for the next listener', async () => {
    const { transport, clock, store } = scene()
    const leave = store.subscribe(() => {})
    const stream = await transport.opened(0)
    stream.onFailed(new AgentRuntimeError('unauthorized', 'Sign in first.'))
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot()).toMatchObject({
      isActive: false,
      error: { code: 'unauthorized', message: 'Sign in first.' },
    })
    leave()
    store.subscribe(() => {})
    await transport.opened(1)
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot()).toMatchObject({ isActive: true, error: null })
  })

  it('ends with the output, and connects no more', async () => {
    const { transport, clock, store } = scene(
      fakeTransport(runRecord({ status: 'succeeded', attempt: 1, output: 42 })),
    )
    const leave = store.subscribe(() => {})
    const stream = await transport.opened(0)
    stream.onEvent(delta(2, 'Hi'))
    stream.onCompleted()
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot()).toMatchObject({
      status: 'succeeded',
      text: 'Hi',
      output: 42,
      isActive: false,
    })
    leave()
    store.subscribe(() => {})
    await clock.advance(DETACH_MS)
    expect(transport.streams).toHaveLength(1)
  })

  it('shows why the run failed', async () => {
    const { transport, clock, store } = scene()
    store.subscribe(() => {})
    const stream = await transport.opened(0)
    stream.onEvent(runEvent(2, { type: 'run.failed', payload: { error: 'No luck', code: 'agent_error' } }))
    await clock.advance(FRAME_MS)
    expect(store.getSnapshot()).toMatchObject({
      status: 'failed',
      error: { message: 'No luck', code: 'agent_error' },
    })
  })
})

describe('the stores of a client', () => {
  const create = () => createRunStore('a', { clock: fakeClock(), follow: async function* () {} })

  it('are forgotten after many others were used, unless they have a listener', () => {
    const stores = createStores<RunStore>()
    const watched = stores.get('watched', create)
    watched.subscribe(() => {})
    const left = stores.get('left', create)
    for (let n = 0; n < 30; n += 1) stores.get(`run ${n}`, create)
    expect(stores.get('watched', create)).toBe(watched)
    expect(stores.get('left', create)).not.toBe(left)
  })

  it('end their streams and are forgotten when the client is closed, even with listeners', async () => {
    const { transport, store } = scene()
    const stores = createStores<RunStore>()
    stores.get(RUN_ID, () => store).subscribe(() => {})
    const stream = await transport.opened(0)
    stores.close()
    expect(stream.isClosed).toBe(true)
    expect(stores.startingWith(RUN_ID)).toEqual([])
  })
})
