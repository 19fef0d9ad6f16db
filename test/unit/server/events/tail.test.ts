import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tail } from '../../../../server/events/tail.ts'
import { FakeBus } from '../../../support/fake-bus.ts'
import { FakeEventStore } from '../../../support/fake-event-store.ts'
import { ManualClock, settled } from '../../../support/manual-clock.ts'

const POLL_MS = 1_000

function createTail() {
  const store = new FakeEventStore()
  const bus = new FakeBus()
  const clock = new ManualClock()
  const stop = new AbortController()
  store.add('run')
  const seen: number[] = []
  let batches = 0
  const ports = { store: { readEvents: store.readEvents.bind(store) }, bus, clock, pollIntervalMs: POLL_MS }
  return {
    store,
    bus,
    clock,
    stop,
    ports,
    seen,
    batches: () => batches,
    hint: (seq = store.run('run').events.length) => bus.publish([{ kind: 'events', runId: 'run', seq }]),
    async follow(afterSeq = 0, whenTaken: () => Promise<void> = async () => {}) {
      for await (const batch of tail(ports, { runId: 'run', afterSeq, signal: stop.signal })) {
        batches += 1
        seen.push(...batch.map(({ seq }) => seq))
        await whenTaken()
      }
    },
  }
}

describe('following a run', () => {
  test('first what is stored, then what comes, to the end', async () => {
    const { store, clock, bus, hint, follow, seen } = createTail()
    store.emit('run', 'a', 1)
    const following = follow()
    await settled()
    expect(seen).toEqual([1, 2])
    store.emit('run', 'run.succeeded', {})
    hint()
    await following
    expect(seen).toEqual([1, 2, 3])
    expect(clock.sleeping).toBe(0)
    expect(bus.listeners.size).toBe(0)
  })

  test('from any cursor, exactly what follows it', async () => {
    for (const afterSeq of [0, 1, 2, 3]) {
      const { store, follow, seen } = createTail()
      store.emit('run', 'a', 1)
      store.emit('run', 'a', 2)
      store.emit('run', 'run.failed', {})
      await follow(afterSeq)
      expect(seen).toEqual([1, 2, 3, 4].slice(afterSeq))
    }
  })

  test('more than one page, without waiting for anything', async () => {
    const { store, follow, seen, batches } = createTail()
    for (let i = 0; i < 1_299; i += 1) store.emit('run', 'a', i)
    store.emit('run', 'run.succeeded', {})
    await follow()
    expect(seen).toEqual(Array.from({ length: 1_301 }, (_, index) => index + 1))
    expect(batches()).toBe(3)
  })

  test('a page that ends exactly with what there is waits for more', async () => {
    const { store, hint, follow, seen } = createTail()
    for (let i = 0; i < 499; i += 1) store.emit('run', 'a', i)
    const following = follow()
    await settled()
    expect(seen).toHaveLength(500)
    store.emit('run', 'run.succeeded', {})
    hint()
    await following
    expect(seen).toHaveLength(501)
  })

  test('without any hint, polling finds it', async () => {
    const { store, clock, follow, seen } = createTail()
    const following = follow()
    await settled()
    store.emit('run', 'run.succeeded', {})
    clock.advance(POLL_MS)
    await following
    expect(seen).toEqual([1, 2])
  })

  test('after a gap in listening it looks at once', async () => {
    const { store, bus, follow, seen } = createTail()
    const following = follow()
    await settled()
    store.emit('run', 'run.succeeded', {})
    bus.resync()
    await following
    expect(seen).toEqual([1, 2])
  })

  test('is not kept busy by the hints of other runs, nor by news it has', async () => {
    const { store, bus, stop, ports, hint, follow } = createTail()
    let reads = 0
    const { readEvents } = ports.store
    ports.store.readEvents = (...args) => {
      reads += 1
      if (reads > 100) stop.abort()
      return readEvents(...args)
    }
    const following = follow()
    await settled()
    store.emit('run', 'a', 1)
    hint()
    await settled()
    expect(reads).toBeLessThan(5)
    reads = 0
    hint(1)
    bus.publish([{ kind: 'events', runId: 'another', seq: 99 }])
    await settled()
    expect(reads).toBe(0)
    stop.abort()
    await following
  })

  test('ends without an error when told to, wherever it is', async () => {
    for (const moment of ['reading', 'waiting', 'before']) {
      const { bus, clock, stop, follow } = createTail()
      if (moment === 'before') stop.abort()
      const following = follow()
      if (moment === 'waiting') await settled()
      stop.abort()
      await following
      expect(bus.listeners.size + clock.sleeping).toBe(0)
    }
  })

  test('leaves nothing behind when the reader goes away, or the store fails', async () => {
    const gone = createTail()
    for await (const batch of tail(gone.ports, { runId: 'run', afterSeq: 0, signal: gone.stop.signal })) {
      expect(batch).toHaveLength(1)
      break
    }
    expect(gone.bus.listeners.size).toBe(0)
    const broken = createTail()
    broken.ports.store.readEvents = async () => {
      throw new Error('no connection')
    }
    await expect(broken.follow()).rejects.toThrow('no connection')
    expect(broken.bus.listeners.size).toBe(0)
  })
})

describe('following a run, whatever the order of things', () => {
  const script = fc.array(fc.constantFrom('emit', 'emit', 'go on', 'go on', 'microtask'), { maxLength: 60 })

  test('each event once and in order; while no last hint is lost, without ever polling', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), script, fc.nat(3), async (s, steps, afterSeq) => {
        const { store, clock, ports, hint, follow, seen } = createTail()
        const { readEvents } = ports.store
        ports.store.readEvents = async (...args) => {
          await s.schedule(Promise.resolve('query sent'))
          const events = await readEvents(...args)
          await s.schedule(Promise.resolve('rows on their way'))
          return events
        }
        const emit = (type: string) => {
          store.emit('run', type, {})
          const seq = store.run('run').events.length
          void s.schedule(Promise.resolve('hint')).then(() => hint(seq))
        }
        for (let i = 0; i < afterSeq; i += 1) store.emit('run', 'seen before', {})
        const following = follow(
          afterSeq,
          async () => void (await s.schedule(Promise.resolve('reader is slow'))),
        )
        for (const step of steps) {
          if (step === 'emit') emit('a')
          if (step === 'go on' && s.count() > 0) await s.waitOne()
          if (step === 'microtask') await Promise.resolve()
        }
        emit('run.succeeded')
        await s.waitFor(following)
        expect(seen).toEqual(
          store
            .run('run')
            .events.map(({ seq }) => seq)
            .slice(afterSeq),
        )
        expect(clock.now()).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  test('each event once and in order, with hints lost, doubled, late or from before, and connections broken', async () => {
    const steps = fc.array(
      fc.oneof(fc.constantFrom('emit', 'go on', 'resync', 'poll'), fc.record({ hint: fc.nat(40) })),
      { maxLength: 60 },
    )
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, async (s, steps) => {
        const { store, bus, clock, ports, hint, follow, seen } = createTail()
        const { readEvents } = ports.store
        ports.store.readEvents = async (...args) => {
          await s.schedule(Promise.resolve())
          return readEvents(...args)
        }
        const following = follow(0, () => s.schedule(Promise.resolve()))
        for (const step of steps) {
          if (step === 'emit') store.emit('run', 'a', {})
          else if (step === 'resync') bus.resync()
          else if (step === 'poll') clock.advance(POLL_MS)
          else if (step === 'go on') await (s.count() > 0 ? s.waitOne() : Promise.resolve())
          else hint(Math.min(step.hint, store.run('run').events.length))
        }
        store.emit('run', 'run.succeeded', {})
        await s.waitIdle()
        clock.advance(POLL_MS)
        await s.waitFor(following)
        expect(seen).toEqual(store.run('run').events.map(({ seq }) => seq))
        expect(bus.listeners.size + clock.sleeping).toBe(0)
      }),
      { numRuns: 500 },
    )
  })
})
