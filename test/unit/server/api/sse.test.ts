import { afterEach, describe, expect, test, vi } from 'vitest'
import type { AnyRunEvent } from '../../../../server/contract/event.ts'
import { createKeepAlive } from '../../../../server/api/keep-alive.ts'
import { REST_SSE } from '../../../../server/api/rest/sse-format.ts'
import { toEventStream } from '../../../../server/api/sse.ts'

const KEEP_ALIVE_MS = 1_000

function runEvent(seq: number, payload: AnyRunEvent['payload'] = {}): AnyRunEvent {
  return {
    runId: 'run',
    seq,
    attempt: 1,
    type: 'a',
    visibility: 'user',
    ts: '2026-01-01T00:00:00.000Z',
    payload,
  }
}

/** An EventStream that the test drives. */
class FakeSource {
  batches: (readonly AnyRunEvent[])[]
  isOver = false
  isRunning = false
  failure: Error | undefined
  taken = 0
  closed = 0
  onReady = () => {}

  consume(onReady: () => void): void {
    this.onReady = onReady
  }

  constructor(...batches: (readonly AnyRunEvent[])[]) {
    this.batches = batches
  }

  take(): readonly AnyRunEvent[] | undefined {
    if (this.failure !== undefined) throw this.failure
    const batch = this.batches.shift()
    if (batch !== undefined) this.taken += 1
    return batch
  }

  add(...batch: AnyRunEvent[]): void {
    this.batches.push(batch)
    this.onReady()
  }

  close(): void {
    this.closed += 1
    this.end()
  }

  end(): void {
    this.isOver = true
    this.onReady()
  }

  fail(error: Error): void {
    this.failure = error
    this.isOver = true
    this.onReady()
  }
}

const open = (source: FakeSource, keepAlive = createKeepAlive(KEEP_ALIVE_MS)) =>
  toEventStream(source, REST_SSE, { keepAlive, watch: () => () => {} })

async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> {
  const { value } = await reader.read()
  return value === undefined ? undefined : new TextDecoder().decode(value)
}

afterEach(() => void vi.useRealTimers())

describe('an event stream', () => {
  test('writes each event as the specification says, and ends with its source', async () => {
    const source = new FakeSource([runEvent(1), runEvent(2, { content: 'two\nlines\r\n' })])
    const text = new Response(open(source)).text()
    await vi.waitFor(() => expect(source.taken).toBe(1))
    source.end()
    const frames = (await text).split('\n\n')
    expect(frames).toHaveLength(3)
    expect(frames[0]).toMatch(/^id: 1\nevent: a\ndata: \{.*\}$/)
    expect(JSON.parse(frames[1]?.split('\ndata: ')[1] ?? '')).toMatchObject({
      seq: 2,
      content: 'two\nlines\r\n',
    })
  })

  test('writes what comes while it is being read', async () => {
    const source = new FakeSource()
    const reader = open(source).getReader()
    for (const seq of [1, 2, 3]) {
      const next = read(reader)
      source.add(runEvent(seq))
      expect(await next).toContain(`id: ${seq}\n`)
    }
    source.end()
    expect(await read(reader)).toBeUndefined()
  })

  test('takes nothing ahead of its reader', async () => {
    const source = new FakeSource([runEvent(1)], [runEvent(2)], [runEvent(3)])
    const reader = open(source).getReader()
    expect(source.taken).toBe(0)
    await reader.read()
    source.add(runEvent(4))
    expect(source.taken).toBe(1)
    await reader.read()
    expect(source.taken).toBe(2)
    await reader.cancel()
  })

  test('writes the same bytes to all: a batch, and an event in another one, is encoded once', async () => {
    let encoded = 0
    const event = runEvent(1, { toJSON: () => ((encoded += 1), {}) } as unknown as AnyRunEvent['payload'])
    const batch = [event, runEvent(2)]
    const chunks = await Promise.all(
      [batch, batch, [event, runEvent(3)]].map((each) => open(new FakeSource(each)).getReader().read()),
    )
    expect(chunks[0]?.value).toBe(chunks[1]?.value)
    expect(encoded).toBe(1)
  })

  test('leaves its source when the reader goes away, also with something left unread', async () => {
    for (const reads of [0, 1, 2]) {
      const source = new FakeSource([runEvent(1)], [runEvent(2)], [runEvent(3)])
      const reader = open(source).getReader()
      for (let i = 0; i < reads; i += 1) await reader.read()
      await reader.cancel()
      expect(source.closed).toBe(1)
    }
    const waiting = new FakeSource()
    const reader = open(waiting).getReader()
    const next = reader.read()
    await reader.cancel()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(waiting.closed).toBe(1)
  })

  test('breaks off when its source fails, read at the moment or not, so that the reader comes back', async () => {
    const source = new FakeSource([runEvent(1)])
    const reader = open(source).getReader()
    await reader.read()
    const next = reader.read()
    source.fail(new Error('no connection'))
    await expect(next).rejects.toThrow('no connection')
    const unread = new FakeSource()
    const later = open(unread).getReader()
    unread.fail(new Error('no connection'))
    await expect(later.read()).rejects.toThrow('no connection')
  })
})

describe('a silent stream', () => {
  test('says something before the interval is over, and nothing more often than that', async () => {
    vi.useFakeTimers()
    const source = new FakeSource()
    const reader = open(source).getReader()
    let heard = 0
    const listen = async () => {
      for (;;) {
        if ((await read(reader)) !== ': keep-alive\n\n') return
        heard += 1
      }
    }
    const listening = listen()
    await vi.advanceTimersByTimeAsync(KEEP_ALIVE_MS)
    expect(heard).toBe(1)
    await vi.advanceTimersByTimeAsync(KEEP_ALIVE_MS * 10)
    expect(heard).toBe(11)
    source.end()
    await listening
    expect(vi.getTimerCount()).toBe(0)
  })

  test('says something every 2 s while its run is running', async () => {
    vi.useFakeTimers()
    const source = new FakeSource()
    source.isRunning = true
    const reader = open(source, createKeepAlive(15_000)).getReader()
    let heard = 0
    const listen = async () => {
      while ((await read(reader)) !== undefined) heard += 1
    }
    const listening = listen()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(heard).toBe(10)
    source.isRunning = false
    await vi.advanceTimersByTimeAsync(14_000)
    expect(heard).toBe(10)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(heard).toBe(11)
    source.end()
    await listening
  })

  test('is only one that wrote nothing, and whose reader has taken what was written', async () => {
    vi.useFakeTimers()
    const source = new FakeSource()
    const reader = open(source).getReader()
    for (let seq = 1; seq <= 10; seq += 1) {
      const next = read(reader)
      await vi.advanceTimersByTimeAsync(KEEP_ALIVE_MS / 4)
      source.add(runEvent(seq))
      expect(await next).toContain(`id: ${seq}\n`)
    }
    // Nobody reads, and nothing piles up.
    await vi.advanceTimersByTimeAsync(KEEP_ALIVE_MS * 10)
    source.add(runEvent(11))
    expect(await read(reader)).toContain('id: 11\n')
    await reader.cancel()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('costs no timer of its own', () => {
    vi.useFakeTimers()
    const keepAlive = createKeepAlive(KEEP_ALIVE_MS)
    const streams = Array.from({ length: 100 }, () => open(new FakeSource(), keepAlive))
    expect(vi.getTimerCount()).toBe(1)
    for (const stream of streams) void stream.cancel()
    expect(vi.getTimerCount()).toBe(0)
  })
})
