import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { FollowOptions, FollowSignal } from '../../../client/follow-run.ts'
import { followRun } from '../../../client/follow-run.ts'
import { AgentRuntimeError } from '../../../server/contract/agent-runtime-error.ts'
import type { StreamObserver } from '../../../client/transport.ts'
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

interface Following {
  heard: FollowSignal[]
  seqs(): number[]
  done: Promise<void>
}

/** Reads signals as fast as they come. */
function follow(transport: FakeTransport, clock: FakeClock, options?: FollowOptions): Following {
  const heard: FollowSignal[] = []
  const read = async () => {
    for await (const signal of followRun(dependencies(transport, clock), RUN_ID, options)) heard.push(signal)
  }
  const done = read()
  // Tests that expect a rejection await it. The others fail because signals are missing.
  done.catch(() => {})
  return {
    heard,
    done,
    seqs: () => heard.flatMap((signal) => (signal.type === 'event' ? [signal.event.seq] : [])),
  }
}

const failed = (seq: number) =>
  runEvent(seq, { type: 'run.failed', payload: { error: 'No', code: 'agent_error' } })

describe('following a run', () => {
  it('ends with the terminal event and closes the connection', async () => {
    const transport = fakeTransport()
    const following = follow(transport, fakeClock())
    const stream = await transport.opened(0)
    stream.onOpened()
    stream.onEvent(delta(1, 'a'))
    stream.onEvent(failed(2))
    await following.done
    expect(following.heard.map(({ type }) => type)).toEqual(['connected', 'event', 'event'])
    expect(stream.isClosed).toBe(true)
    expect(transport.recordReads).toBe(0)
  })

  it('reports at once that the browser is offline, and continues when it is online again', async () => {
    const target = new EventTarget()
    vi.stubGlobal('addEventListener', target.addEventListener.bind(target))
    vi.stubGlobal('removeEventListener', target.removeEventListener.bind(target))
    const transport = fakeTransport()
    const following = follow(transport, fakeClock())
    const stream = await transport.opened(0)
    stream.onOpened()
    stream.onEvent(delta(1, 'a'))
    await settled()
    target.dispatchEvent(new Event('offline'))
    await settled()
    expect(following.heard.at(-1)).toMatchObject({ type: 'disconnected', error: { code: 'unavailable' } })
    expect(stream.isClosed).toBe(true)
    target.dispatchEvent(new Event('online'))
    const next = await transport.opened(1)
    expect(next.request.lastEventId).toBe(1)
    next.onEvent(failed(2))
    await following.done
    vi.unstubAllGlobals()
  })

  it('reads how the run ended if this reader may not see the last event', async () => {
    const record = runRecord({ status: 'succeeded', output: { n: 1 } })
    const transport = fakeTransport(record)
    const following = follow(transport, fakeClock())
    const stream = await transport.opened(0)
    stream.onEvent(delta(3, 'a'))
    stream.onCompleted()
    await following.done
    expect(following.heard.at(-1)).toEqual({ type: 'ended', run: record })
  })

  it('reports a success together with the output, also if the event lacks the output', async () => {
    const transport = fakeTransport(new AgentRuntimeError('unavailable', 'The server restarts.'))
    const clock = fakeClock()
    const following = follow(transport, clock)
    const first = await transport.opened(0)
    first.onEvent(delta(1, 'a'))
    first.onEvent(runEvent(2, { type: 'run.succeeded', payload: {} }))
    await settled()
    expect(following.heard.map(({ type }) => type)).toEqual(['event', 'disconnected'])
    const record = runRecord({ status: 'succeeded', output: { n: 1 } })
    transport.record = record
    await clock.advance(1_000)
    const second = await transport.opened(1)
    expect(second.request.lastEventId).toBe(1)
    second.onEvent(runEvent(2, { type: 'run.succeeded', payload: {} }))
    await following.done
    expect(following.seqs()).toEqual([1, 2])
    expect(following.heard.at(-1)).toEqual({ type: 'ended', run: record })
  })

  it('continues after the server ends a stream in a shutdown', async () => {
    const transport = fakeTransport(runRecord({ status: 'running' }))
    const clock = fakeClock()
    const following = follow(transport, clock)
    const first = await transport.opened(0)
    first.onEvent(delta(1, 'a'))
    first.onCompleted()
    await clock.advance(1_000)
    const second = await transport.opened(1)
    second.onEvent(failed(2))
    await following.done
    expect(following.seqs()).toEqual([1, 2])
  })

  it('continues after the last event seen, and drops repeated events', async () => {
    const transport = fakeTransport()
    const clock = fakeClock()
    const following = follow(transport, clock, { from: 4, includeDebug: true })
    const first = await transport.opened(0)
    expect(first.request).toEqual({ runId: RUN_ID, lastEventId: 4, includeDebug: true })
    first.onOpened()
    first.onEvent(delta(7, 'a'))
    first.onFailed(LOST)
    await clock.advance(1_000)
    const second = await transport.opened(1)
    expect(second.request.lastEventId).toBe(7)
    second.onOpened()
    second.onEvent(delta(7, 'a'))
    second.onEvent(failed(9))
    await following.done
    expect(following.heard.map(({ type }) => type)).toEqual([
      'connected',
      'event',
      'disconnected',
      'connected',
      'event',
    ])
    expect(following.seqs()).toEqual([7, 9])
  })

  it.each(['not_found', 'unauthorized', 'forbidden', 'validation_failed'] as const)(
    'gives up at once on %s',
    async (code) => {
      const transport = fakeTransport()
      const clock = fakeClock()
      const following = follow(transport, clock)
      const stream = await transport.opened(0)
      const error = new AgentRuntimeError(code, 'No.')
      stream.onFailed(error)
      await expect(following.done).rejects.toBe(error)
      expect(clock.sleeping).toBe(0)
    },
  )

  it.each(['unavailable', 'internal', 'rate_limited'] as const)('tries again after %s', async (code) => {
    const transport = fakeTransport()
    const clock = fakeClock()
    follow(transport, clock)
    for (let failures = 0; failures < 20; failures += 1) {
      const stream = await transport.opened(failures)
      stream.onFailed(new AgentRuntimeError(code, 'Not now.'))
      await settled()
      expect(transport.streams).toHaveLength(failures + 1)
      await clock.advance(15_000)
    }
    expect(transport.streams).toHaveLength(21)
  })

  it.each([
    ['an event', async (stream: StreamObserver) => stream.onEvent(delta(1, 'a'))],
    ['some time', async (_stream: StreamObserver, clock: FakeClock) => clock.advance(60_000)],
  ])(
    'tries once more with the newest credentials if a stream that held for %s becomes unauthorized',
    async (_, hold) => {
      const transport = fakeTransport()
      const clock = fakeClock()
      const following = follow(transport, clock)
      const first = await transport.opened(0)
      const expired = new AgentRuntimeError('unauthorized', 'The token has expired.')
      first.onOpened()
      await settled()
      await hold(first, clock)
      first.onFailed(expired)
      await clock.advance(1_000)
      const second = await transport.opened(1)
      second.onOpened()
      second.onFailed(expired)
      await expect(following.done).rejects.toBe(expired)
      expect(transport.streams).toHaveLength(2)
    },
  )

  it('gives up when the run is gone by the time its stream completes', async () => {
    const transport = fakeTransport(new AgentRuntimeError('not_found', 'No such run.'))
    const following = follow(transport, fakeClock())
    const stream = await transport.opened(0)
    stream.onCompleted()
    await expect(following.done).rejects.toMatchObject({ code: 'not_found' })
  })

  it('opens no stream before the first event is asked for', () => {
    const transport = fakeTransport()
    followRun(dependencies(transport, fakeClock()), RUN_ID)
    expect(transport.streams).toHaveLength(0)
  })

  it('closes the connection when the loop is left', async () => {
    const transport = fakeTransport()
    const events = followRun(dependencies(transport, fakeClock()), RUN_ID)
    const first = events.next()
    const stream = await transport.opened(0)
    stream.onOpened()
    await first
    expect(stream.isClosed).toBe(false)
    await events.return()
    expect(stream.isClosed).toBe(true)
  })

  it('closes the connection and throws the reason when the signal aborts', async () => {
    const transport = fakeTransport()
    const controller = new AbortController()
    const following = follow(transport, fakeClock(), { signal: controller.signal })
    const stream = await transport.opened(0)
    controller.abort(new Error('enough'))
    await expect(following.done).rejects.toThrow('enough')
    expect(stream.isClosed).toBe(true)
  })

  it('stops waiting for the next try when the signal aborts', async () => {
    const transport = fakeTransport()
    const clock = fakeClock()
    const controller = new AbortController()
    const following = follow(transport, clock, { signal: controller.signal })
    const stream = await transport.opened(0)
    stream.onFailed(LOST)
    await settled()
    expect(clock.sleeping).toBe(1)
    controller.abort(new Error('enough'))
    await expect(following.done).rejects.toThrow('enough')
    expect(clock.sleeping).toBe(0)
  })

  it('drops events that a slow reader does not take, and reads them again', async () => {
    const transport = fakeTransport()
    const clock = fakeClock()
    const events = followRun(dependencies(transport, clock), RUN_ID)
    const seqs: number[] = []
    const first = events.next()
    const stream = await transport.opened(0)
    for (let seq = 1; !stream.isClosed; seq += 1) {
      stream.onEvent(delta(seq, 'x'))
      if (seq > 100_000) throw new Error('held without bound')
    }
    for (let next = await first; !next.done && seqs.length < 5_000; next = await events.next()) {
      if (next.value.type === 'event') seqs.push(next.value.event.seq)
      if (seqs.length === 5_000) break
    }
    const pending = events.next()
    const second = await transport.opened(1)
    expect(second.request.lastEventId).toBe(5_000)
    second.onEvent(delta(5_001, 'x'))
    expect(await pending).toMatchObject({ value: { event: { seq: 5_001 } } })
    await events.return()
    expect(seqs).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1))
  })

  it('yields every event once and in order, wherever connections break and whatever is repeated', async () => {
    const cuts = fc.array(fc.record({ deliver: fc.nat(8), overlap: fc.nat(4) }), {
      minLength: 1,
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        cuts,
        async (visible, plan) => {
          const seqs = visible.toSorted((a, b) => a - b)
          const stored = seqs.map((seq, index) => (index === seqs.length - 1 ? failed(seq) : delta(seq, 'x')))
          const transport = fakeTransport()
          const clock = fakeClock()
          const following = follow(transport, clock)
          for (let index = 0; !stored.every(({ seq }) => following.seqs().includes(seq)); index += 1) {
            const stream = await transport.opened(index)
            const { deliver, overlap } = plan[index] ?? { deliver: stored.length, overlap: 0 }
            const next = stored.findIndex(({ seq }) => seq > Number(stream.request.lastEventId))
            const served = stored.slice(Math.max(0, next - overlap), next + deliver)
            stream.onOpened()
            for (const event of served) stream.onEvent(event)
            if (served.at(-1) === stored.at(-1)) break
            stream.onFailed(LOST)
            await clock.advance(20_000)
          }
          await following.done
          expect(following.seqs()).toEqual(seqs)
        },
      ),
      { numRuns: 60 },
    )
  })
})
