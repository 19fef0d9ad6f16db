import { describe, expect, test } from 'vitest'
import type { AnyRunEvent } from '../../../../server/contract/event.ts'
import { toEventStream } from '../../../../server/api/rest/sse.ts'
import { settled } from '../../../support/manual-clock.ts'

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

/** A source that tells whether it was cleaned up, as the tail of a run must be. */
function createSource(batches: readonly AnyRunEvent[][], endless = false) {
  const stop = new AbortController()
  const source = {
    taken: 0,
    cleanedUp: false,
    closed: 0,
    options: {
      keepAliveMs: 60_000,
      onClose: () => {
        source.closed += 1
        stop.abort()
      },
    },
    async *batches(): AsyncGenerator<AnyRunEvent[], void> {
      try {
        for (const batch of batches) {
          source.taken += 1
          yield batch
        }
        if (endless && !stop.signal.aborted) {
          await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
        }
      } finally {
        source.cleanedUp = true
      }
    },
  }
  return source
}

describe('an event stream', () => {
  test('writes each event as the specification says, and ends with its source', async () => {
    const source = createSource([[runEvent(1), runEvent(2, { content: 'two\nlines\r\n' })]])
    const text = await new Response(toEventStream(source.batches(), source.options)).text()
    const frames = text.split('\n\n')
    expect(frames).toHaveLength(3)
    expect(frames[0]).toMatch(/^id: 1\nevent: a\ndata: \{.*\}$/)
    expect(JSON.parse(frames[1]?.split('\ndata: ')[1] ?? '')).toMatchObject({
      seq: 2,
      content: 'two\nlines\r\n',
    })
    expect(source).toMatchObject({ cleanedUp: true, closed: 1 })
  })

  test('says something when there is nothing to say', async () => {
    const source = createSource([], true)
    const reader = toEventStream(source.batches(), { ...source.options, keepAliveMs: 5 }).getReader()
    for (let i = 0; i < 3; i += 1) {
      expect(new TextDecoder().decode((await reader.read()).value)).toBe(': keep-alive\n\n')
    }
    await reader.cancel()
    await settled()
    expect(source).toMatchObject({ cleanedUp: true, closed: 1 })
  })

  test('takes no more from its source than a slow reader takes from it', async () => {
    const source = createSource(Array.from({ length: 50 }, (_, index) => [runEvent(index + 1)]))
    const reader = toEventStream(source.batches(), source.options).getReader()
    await reader.read()
    await settled()
    expect(source.taken).toBeLessThanOrEqual(3)
    await reader.cancel()
  })

  test('cleans up when the reader goes away, also with something left unread', async () => {
    for (const reads of [0, 1, 2]) {
      const source = createSource([[runEvent(1)], [runEvent(2)], [runEvent(3)]], true)
      const reader = toEventStream(source.batches(), source.options).getReader()
      for (let i = 0; i < reads; i += 1) await reader.read()
      await settled()
      await reader.cancel()
      await settled()
      expect(source).toMatchObject({ cleanedUp: true, closed: 1 })
    }
  })

  test('breaks off when its source fails, so that the reader comes back', async () => {
    let closed = 0
    async function* failing(): AsyncGenerator<AnyRunEvent[], void> {
      yield [runEvent(1)]
      throw new Error('no connection')
    }
    const stream = toEventStream(failing(), { keepAliveMs: 60_000, onClose: () => (closed += 1) })
    await expect(new Response(stream).text()).rejects.toThrow('no connection')
    expect(closed).toBe(1)
  })
})
