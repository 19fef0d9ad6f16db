import { describe, expect, test } from 'vitest'
import { createEventHub } from '../../../../server/events/hub.ts'
import { settled } from '../../../support/manual-clock.ts'
import { POLL_MS, createHubScene, seqsFrom } from './hub-scene.ts'

describe('following a run', () => {
  test('first what is stored, then what comes, to the end', async () => {
    const { emit, hint, follow, clock } = createHubScene()
    emit('a')
    const { seen, done } = follow()
    await settled()
    expect(seen).toEqual([1, 2])
    emit('run.succeeded')
    hint()
    await done
    expect(seen).toEqual([1, 2, 3])
    expect(clock.sleeping).toBe(0)
  })

  test('from any cursor, exactly what follows it, and nothing twice for the hub’s own sake', async () => {
    for (const afterSeq of [0, 1, 2, 3]) {
      const { emit, follow, store } = createHubScene()
      emit('a')
      emit('a')
      emit('run.failed')
      store.run('run').status = 'failed'
      const { seen, done } = follow({ afterSeq })
      await done
      expect(seen).toEqual(seqsFrom(afterSeq + 1, 4))
    }
  })

  test('of a run that is over, with everything seen or nothing left: ends at once', async () => {
    const { emit, events, follow, store, reads } = createHubScene()
    emit('run.succeeded')
    store.run('run').status = 'succeeded'
    await follow({ afterSeq: 2 }).done
    expect(reads).toEqual({ backlog: 0, news: 0 })
    events().length = 1
    const rest = follow({ afterSeq: 0 })
    await rest.done
    expect(rest.seen).toEqual([1])
  })

  test('more than any page, without waiting for anything', async () => {
    const { emit, follow } = createHubScene()
    for (let i = 0; i < 2_299; i += 1) emit('a')
    emit('run.succeeded')
    for (const afterSeq of [0, 1_000, 2_200]) {
      const reader = follow({ afterSeq })
      await reader.done
      expect(reader.seen).toEqual(seqsFrom(afterSeq + 1, 2_301))
    }
  })

  test('without any hint, polling finds it', async () => {
    const { emit, follow, clock } = createHubScene()
    const { seen, done } = follow()
    await settled()
    emit('run.succeeded')
    clock.advance(POLL_MS)
    await done
    expect(seen).toEqual([1, 2])
  })

  test('after a gap in listening it looks at once', async () => {
    const { emit, follow, bus } = createHubScene()
    const { seen, done } = follow()
    await settled()
    emit('run.succeeded')
    bus.resync()
    await done
    expect(seen).toEqual([1, 2])
  })

  test('looks again when it is told during a look, whose answer may be older', async () => {
    const { emit, hint, follow, ports, store } = createHubScene()
    const answers: PromiseWithResolvers<void>[] = []
    ports.store.readNewEvents = async (...args) => {
      const events = await store.readEvents(...args)
      answers.push(Promise.withResolvers())
      await answers.at(-1)?.promise
      return events
    }
    const { seen, done } = follow()
    await settled()
    emit('run.succeeded')
    hint()
    answers[0]?.resolve()
    await settled()
    answers[1]?.resolve()
    await done
    expect(seen).toEqual([1, 2])
  })

  test('is not kept busy by the hints of other runs, by news it has, or by what never was', async () => {
    const { emit, hint, bus, follow, reads } = createHubScene()
    const { stream, done } = follow()
    await settled()
    emit('a')
    hint()
    await settled()
    const before = reads.news
    expect(before).toBeLessThan(5)
    hint(1)
    hint(2)
    bus.publish([{ kind: 'events', runId: 'another', seq: 99 }])
    await settled()
    expect(reads.news).toBe(before)
    hint(99)
    await settled()
    expect(reads.news).toBe(before + 1)
    stream.close()
    await done
  })

  test('ends after the end of the run, which everybody is told of', async () => {
    const { emit, hint, follow } = createHubScene()
    const readers = [
      follow(),
      follow({ filter: { includeDebug: true } }),
      follow({ filter: { includeAll: true } }),
    ]
    await settled()
    emit('b', 'debug')
    emit('c')
    emit('run.succeeded', 'internal')
    hint()
    await Promise.all(readers.map(({ done }) => done))
    expect(readers.map(({ seen }) => seen)).toEqual([
      [1, 3, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ])
  })

  test('ends after an end that is not for the reader', async () => {
    const { emit, hint, follow } = createHubScene()
    const readers = [follow(), follow({ filter: { includeAll: true } })]
    await settled()
    emit('b')
    emit('run.failed', 'internal')
    hint()
    await Promise.all(readers.map(({ done }) => done))
    expect(readers.map(({ seen }) => seen)).toEqual([
      [1, 2],
      [1, 2, 3],
    ])
  })

  test('a cursor where events were compacted goes on with the next that is there', async () => {
    const { emit, events, follow, hint } = createHubScene()
    for (let i = 0; i < 998; i += 1) emit('a')
    events().splice(100, 800)
    const readers = [follow({ afterSeq: 50 }), follow({ afterSeq: 400 }), follow({ afterSeq: 900 })]
    await settled()
    events().push({ ...events()[0]!, seq: 1_000, type: 'run.succeeded' })
    hint(1_000)
    await Promise.all(readers.map(({ done }) => done))
    const end = seqsFrom(901, 1_000)
    expect(readers.map(({ seen }) => seen)).toEqual([[...seqsFrom(51, 100), ...end], end, end])
  })
})

describe('events that came with their hint', () => {
  test('are handed on without a query where they go on from what is there', async () => {
    const { emit, hint, follow, reads } = createHubScene()
    const { seen, done } = follow()
    await settled()
    const { news } = reads
    for (let seq = 2; seq <= 20; seq += 1) {
      emit('a')
      // The same hint again, or an older one.
      hint(seq, Math.max(1, seq - (seq % 3)))
    }
    emit('run.succeeded')
    hint(21, 21)
    await done
    expect(seen).toEqual(seqsFrom(1, 21))
    expect(reads.news).toBe(news)
  })

  test('are left alone where one before them is missing, or they are not what they should be', async () => {
    const { emit, events, hint, bus, follow, reads } = createHubScene()
    const { stream, seen, done } = follow()
    await settled()
    emit('a')
    emit('a')
    hint(3, 3)
    await settled()
    expect(seen).toEqual([1, 2, 3])
    const { news } = reads
    emit('a')
    emit('a')
    const [, , , fourth, fifth] = events()
    for (const carried of [[], [fourth!], [fifth!], [fourth!, fourth!], [fourth!, fourth!, fifth!]]) {
      bus.publish([{ kind: 'events', runId: 'run', seq: 5, events: carried }])
    }
    await settled()
    expect(seen).toEqual([1, 2, 3, 4, 5])
    expect(reads.news).toBeGreaterThan(news)
    stream.close()
    await done
  })
})

describe('many who follow one run', () => {
  test('cost one listener, one look and one poll', async () => {
    const { bus, clock, emit, hint, follow, reads } = createHubScene()
    const readers = Array.from({ length: 1_000 }, () => follow())
    await settled()
    expect(bus.listeners.size).toBe(1)
    expect(clock.sleeping).toBe(1)
    expect(reads).toEqual({ backlog: 0, news: 1 })
    emit('a')
    hint()
    await settled()
    expect(reads).toEqual({ backlog: 0, news: 2 })
    clock.advance(POLL_MS)
    await settled()
    expect(reads).toEqual({ backlog: 0, news: 3 })
    emit('run.succeeded')
    hint()
    await Promise.all(readers.map(({ done }) => done))
    expect(readers.every(({ seen }) => seen.length === 3)).toBe(true)
    expect(reads).toEqual({ backlog: 0, news: 4 })
  })

  test('are one each to a stream: another is refused, and who only waits hears of it too', async () => {
    const { emit, hint, follow } = createHubScene()
    const { stream } = follow({ isTaken: false })
    let told = 0
    stream.consume(() => (told += 1))
    expect(() => stream.consume(() => {})).toThrow('A stream of events can have only one consumer.')
    const peeked = stream.peek()
    emit('a')
    hint()
    expect((await peeked)?.length).toBeGreaterThan(0)
    expect(told).toBeGreaterThan(0)
  })

  test('are given the same batch, and the same part of it where not all is for them', async () => {
    const { emit, hint, follow } = createHubScene()
    const streams = Array.from(
      { length: 4 },
      (_, index) => follow({ afterSeq: 1, filter: { includeAll: index < 2 }, isTaken: false }).stream,
    )
    for (const stream of streams) stream.consume(() => {})
    await settled()
    emit('a')
    emit('b', 'internal')
    hint()
    await settled()
    const [one, two, three, four] = streams.map((stream) => stream.take())
    expect(one).toHaveLength(2)
    expect(one).toBe(two)
    expect(three).toHaveLength(1)
    expect(three).toBe(four)
    for (const stream of streams) stream.close()
  })

  test('do not wait for one that is slow, which reads by cursor what it has missed', async () => {
    const { emit, hint, follow, reads } = createHubScene()
    const goOn = Promise.withResolvers<void>()
    const slow = follow({ whenTaken: () => goOn.promise })
    const fast = follow()
    await settled()
    for (let i = 0; i < 2_000; i += 1) {
      emit('a')
      if (i % 50 === 49) {
        hint()
        await settled()
      }
    }
    expect(fast.seen).toHaveLength(2_001)
    expect(slow.seen).toEqual([1])
    expect(reads.backlog).toBe(0)
    emit('run.succeeded')
    hint()
    await fast.done
    goOn.resolve()
    await slow.done
    expect(slow.seen).toEqual(seqsFrom(1, 2_002))
    expect(reads.backlog).toBeGreaterThan(0)
  })

  test('who come late are served from what is there', async () => {
    const { emit, hint, follow, reads } = createHubScene()
    const first = follow()
    await settled()
    for (let i = 0; i < 100; i += 1) emit('a')
    hint()
    await settled()
    const { news } = reads
    const late = [0, 50, 101].map((afterSeq) => follow({ afterSeq }))
    await settled()
    expect(late.map(({ seen }) => seen.length)).toEqual([101, 51, 0])
    expect(reads).toEqual({ backlog: 0, news })
    emit('run.succeeded')
    hint()
    await Promise.all([first, ...late].map(({ done }) => done))
  })
})

describe('leaving', () => {
  test('by a signal ends without an error, wherever the stream is', async () => {
    for (const moment of ['reading', 'waiting', 'before', 'closed hub']) {
      const { hub, clock, follow } = createHubScene()
      const stop = new AbortController()
      if (moment === 'before') stop.abort()
      if (moment === 'closed hub') hub.close()
      const { done } = follow({ signal: stop.signal })
      if (moment === 'waiting') await settled()
      stop.abort()
      await done
      expect(clock.sleeping).toBe(0)
    }
  })

  test('leaves nothing behind, and the others alone', async () => {
    const { clock, emit, hint, follow, reads } = createHubScene()
    const staying = follow()
    const leaving = follow()
    await settled()
    await leaving.stream.return()
    await leaving.done
    expect(clock.sleeping).toBe(1)
    emit('a')
    hint()
    await settled()
    expect([staying.seen, leaving.seen]).toEqual([[1, 2], [1]])
    staying.stream.close()
    await staying.done
    expect(clock.sleeping).toBe(0)
    const { news } = reads
    hint(99)
    await settled()
    expect(reads.news).toBe(news)
  })

  test('all at once, when the hub is closed', async () => {
    const { hub, bus, clock, follow } = createHubScene()
    const readers = [follow(), follow({ whenTaken: settled }), follow()]
    hub.close()
    await Promise.all(readers.map(({ done }) => done))
    expect(bus.listeners.size + clock.sleeping).toBe(0)
  })

  test('is what a store that fails makes of a stream, and it can be followed again', async () => {
    const { ports, store, clock, follow } = createHubScene()
    ports.store.readNewEvents = () => Promise.reject(new Error('no connection'))
    const broken = [follow(), follow()]
    for (const { done } of broken) await expect(done).rejects.toThrow('no connection')
    expect(clock.sleeping).toBe(0)
    ports.store.readNewEvents = (...args) => store.readNewEvents(...args)
    const again = follow()
    await settled()
    expect(again.seen).toEqual([1])
    again.stream.close()
    await again.done
  })

  test('is not what others do when reading by cursor fails for one', async () => {
    const { ports, emit, hint, follow } = createHubScene()
    const fast = follow()
    await settled()
    for (let i = 0; i < 1_000; i += 1) emit('a')
    hint()
    await settled()
    ports.store.readEvents = () => Promise.reject(new Error('no connection'))
    await expect(follow().done).rejects.toThrow('no connection')
    emit('run.succeeded')
    hint()
    await fast.done
    expect(fast.seen).toEqual(seqsFrom(1, 1_002))
  })
})

test('a hub nobody follows through asks for nothing', async () => {
  const { ports, bus, clock, reads } = createHubScene()
  const hub = createEventHub(ports)
  bus.publish([{ kind: 'events', runId: 'run', seq: 5 }])
  bus.resync()
  await settled()
  expect(reads).toEqual({ backlog: 0, news: 0 })
  expect(clock.sleeping).toBe(0)
  hub.close()
})
