import { describe, expect, test } from 'vitest'
import type { FakeEventStore } from '../../../support/fake-event-store.ts'
import { settled } from '../../../support/manual-clock.ts'
import type { RunAppend, RunEnding } from '../../../../server/ports/attempt.ts'
import { StoreFailure } from '../../../../server/ports/store/store-failure.ts'
import { createWriter, event } from './create-writer.ts'

const MEGABYTE = 1024 * 1024
const SUCCESS: RunEnding = { status: 'succeeded', output: null, error: null, messages: [] }

const typesOf = (store: FakeEventStore, runId: string) => store.run(runId).events.map(({ type }) => type)

describe('the writer', () => {
  test('what is emitted in one turn goes in one append, and readers are told afterwards', async () => {
    const appends: (readonly RunAppend[])[] = []
    const { store, ports, writer, hints } = createWriter()
    ports.store.append = async (batch) => {
      appends.push(batch)
      expect(hints).toEqual([])
      return store.append(batch)
    }
    const [one, two] = [writer.open(store.add('one')), writer.open(store.add('two'))]
    void writer.emit(one, event('a', 1))
    void writer.emit(two, event('a', 2))
    await writer.emit(one, event('b', 3))
    await settled()
    expect(appends).toHaveLength(1)
    expect(typesOf(store, 'one')).toEqual(['run.started', 'a', 'b'])
    const [[ofOne, ofTwo] = []] = appends
    expect(hints).toEqual([
      { kind: 'events', runId: 'one', seq: 3, written: [ofOne] },
      { kind: 'events', runId: 'two', seq: 2, written: [ofTwo] },
    ])
  })

  test('emitting does not wait for the store', async () => {
    const { writer, store } = createWriter(() => new Promise(() => {}))
    const log = writer.open(store.add('run'))
    for (let i = 0; i < 1_000; i += 1) await writer.emit(log, event('a', i))
    expect(store.run('run').events).toHaveLength(1)
  })

  test('emitting waits while too much is buffered, and goes on once less is', async () => {
    const gate = Promise.withResolvers<void>()
    const { writer, store, ports } = createWriter()
    ports.store.append = async (batch) => {
      await gate.promise
      return store.append(batch)
    }
    const log = writer.open(store.add('run'))
    const text = 'x'.repeat(MEGABYTE)
    for (let i = 0; i < 15; i += 1) await writer.emit(log, event('a', text))
    let waited = true
    const emitted = writer.emit(log, event('a', text)).then(() => (waited = false))
    await settled()
    expect(waited).toBe(true)
    gate.resolve()
    await emitted
    await writer.end(log, event('run.succeeded', {}), SUCCESS)
    expect(store.run('run').events).toHaveLength(18)
  })

  test.each(Array.from({ length: 12 }, (_, microtasks) => microtasks))(
    'an event emitted %i microtasks after the last flush is not left lying',
    async (microtasks) => {
      const { writer, store, ports } = createWriter()
      const flushed = Promise.withResolvers<void>()
      ports.store.append = async (batch) => {
        const outcomes = await store.append(batch)
        flushed.resolve()
        return outcomes
      }
      const log = writer.open(store.add('run'))
      await writer.emit(log, event('a', 1))
      await flushed.promise
      for (let i = 0; i < microtasks; i += 1) await Promise.resolve()
      await writer.emit(log, event('b', 2))
      await settled()
      expect(typesOf(store, 'run')).toEqual(['run.started', 'a', 'b'])
    },
  )

  test('a flush that fails is repeated as it was until it goes through', async () => {
    const appends: string[] = []
    const { writer, store, ports, clock, log } = createWriter()
    ports.store.append = async (batch) => {
      appends.push(JSON.stringify(batch))
      if (appends.length < 4) throw new Error('no connection')
      return store.append(batch)
    }
    const runLog = writer.open(store.add('run'))
    await writer.emit(runLog, event('a', 1))
    for (let tries = 1; tries < 4; tries += 1) {
      await settled()
      expect(appends).toHaveLength(tries)
      await writer.emit(runLog, event('meanwhile', tries))
      clock.advance(2_000)
    }
    await settled()
    expect(new Set(appends.slice(0, 4)).size).toBe(1)
    expect(typesOf(store, 'run')).toEqual(['run.started', 'a', 'meanwhile', 'meanwhile', 'meanwhile'])
    expect(log.entries.filter(({ level }) => level === 'warn')).toHaveLength(3)
  })

  test('one run that floods does not keep another waiting for all of it', async () => {
    const { writer, store, ports } = createWriter()
    const sizes: number[] = []
    ports.store.append = async (batch) => {
      sizes.push(batch.reduce((sum, append) => sum + append.events.length, 0))
      return store.append(batch)
    }
    const flood = writer.open(store.add('flood'))
    for (let i = 0; i < 5_000; i += 1) void writer.emit(flood, event('a', i))
    const other = writer.open(store.add('other'))
    await writer.end(other, event('run.succeeded', {}), SUCCESS)
    expect(store.run('flood').events.length).toBeLessThanOrEqual(1_001)
    await settled()
    expect(store.run('flood').events).toHaveLength(5_001)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2_000)
  })

  test('a fenced run is given up: nothing more of it is taken or tried', async () => {
    const { writer, store, fenced } = createWriter()
    const log = writer.open(store.add('run'))
    store.run('run').attempt = 2
    await writer.emit(log, event('a', 1))
    await settled()
    expect(fenced).toEqual([log])
    await writer.emit(log, event('b', 2))
    expect(await writer.end(log, event('run.succeeded', {}), SUCCESS)).toBe('fenced')
    expect(typesOf(store, 'run')).toEqual(['run.started'])
  })

  test('two attempts of one run in one process never meet in one statement', async () => {
    const { writer, store, fenced } = createWriter()
    const older = writer.open(store.add('run'))
    store.run('run').attempt = 2
    store.emit('run', 'run.started', {})
    const newer = writer.open({ id: 'run', attempt: 2, lastSeq: 2 })
    void writer.emit(older, event('older', 1))
    void writer.emit(newer, event('newer', 1))
    await settled()
    expect(fenced).toEqual([older])
    expect(typesOf(store, 'run')).toEqual(['run.started', 'run.started', 'newer'])
  })

  test('stopping leaves nobody waiting', async () => {
    const { writer, store } = createWriter(async () => {
      throw new Error('no connection')
    })
    const log = writer.open(store.add('run'))
    const large = event('a', 'x'.repeat(6 * MEGABYTE))
    const emitted = Promise.all([large, large, large].map((each) => writer.emit(log, each)))
    const other = writer.open(store.add('other'))
    const ended = writer.end(other, event('run.succeeded', {}), SUCCESS)
    await settled()
    await writer.stop()
    expect(await ended).toBe('fenced')
    await emitted
    await writer.emit(writer.open(store.add('late')), large)
    expect(await writer.end(writer.open(store.add('later')), event('run.succeeded', {}), SUCCESS)).toBe(
      'fenced',
    )
  })

  test('what the store refuses of one run is refused of that one alone, which then takes an end only', async () => {
    const { store, ports, writer, refused } = createWriter()
    const batches: string[][] = []
    ports.store.append = async (batch) => {
      batches.push(batch.map(({ runId }) => runId))
      if (batch.some(({ events }) => events.some(({ type }) => type === 'bad'))) {
        throw new StoreFailure('refused', 'not this', { cause: null })
      }
      return store.append(batch)
    }
    const [bad, good] = [writer.open(store.add('bad')), writer.open(store.add('good'))]
    void writer.emit(bad, event('bad', 1))
    void writer.emit(good, event('a', 1))
    await settled()
    expect(refused).toEqual([bad])
    expect(bad.refusal?.message).toContain('not this')
    await writer.emit(bad, event('a', 2))
    expect(await writer.end(bad, event('run.succeeded', {}), SUCCESS)).toBe('written')
    expect(await writer.end(good, event('run.succeeded', {}), SUCCESS)).toBe('written')
    expect(typesOf(store, 'bad')).toEqual(['run.started', 'run.succeeded'])
    expect(typesOf(store, 'good')).toEqual(['run.started', 'a', 'run.succeeded'])
    expect(batches.slice(0, 3)).toEqual([['bad', 'good'], ['bad'], ['good']])
    expect(batches.filter((runIds) => runIds.includes('bad'))).toHaveLength(3)
  })

  test('a run whose row is held waits alone, and whoever emits for it waits with it', async () => {
    const { store, ports, writer, clock } = createWriter()
    let isHeld = true
    ports.store.append = async (batch) => {
      if (isHeld && batch.some(({ runId }) => runId === 'held')) {
        throw new StoreFailure('contended', 'held', { cause: null })
      }
      return store.append(batch)
    }
    const [held, free] = [writer.open(store.add('held')), writer.open(store.add('free'))]
    void writer.emit(held, event('a', 1))
    await writer.emit(free, event('a', 1))
    await settled()
    expect(typesOf(store, 'free')).toEqual(['run.started', 'a'])
    let waits = true
    const emitted = writer.emit(held, event('b', 2)).then(() => (waits = false))
    expect(await writer.end(free, event('run.succeeded', {}), SUCCESS)).toBe('written')
    expect(waits).toBe(true)
    isHeld = false
    clock.advance(20)
    await emitted
    expect(await writer.end(held, event('run.succeeded', {}), SUCCESS)).toBe('written')
    expect(typesOf(store, 'held')).toEqual(['run.started', 'a', 'b', 'run.succeeded'])
  })
})

test('a heartbeat is written with what others emit, and nobody is woken for it', async () => {
  const { writer, store, hints } = createWriter()
  const [quiet, busy] = [writer.open(store.add('quiet')), writer.open(store.add('busy'))]
  void writer.emit(quiet, event('run.heartbeat', {}))
  void writer.emit(busy, event('run.heartbeat', {}))
  await writer.emit(busy, event('a', 1))
  await settled()
  expect(typesOf(store, 'quiet')).toEqual(['run.started', 'run.heartbeat'])
  expect(hints).toMatchObject([{ kind: 'events', runId: 'busy', seq: 3 }])
})
