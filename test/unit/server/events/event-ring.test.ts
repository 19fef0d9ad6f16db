import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AnyRunEvent } from '../../../../server/contract/event.ts'
import { EventRing } from '../../../../server/events/event-ring.ts'

const runEvent = (seq: number, bytes = 0): AnyRunEvent => ({
  runId: 'run',
  seq,
  attempt: 1,
  type: 'a',
  visibility: 'user',
  ts: '2026-01-01T00:00:00.000Z',
  payload: { nested: ['x'.repeat(bytes)] },
})

const seqs = (events: readonly AnyRunEvent[] | undefined) => events?.map(({ seq }) => seq)

describe('the newest events of a run', () => {
  test('are there for any cursor they go back to', () => {
    const ring = new EventRing(10, { maxEvents: 3, maxBytes: 10_000 })
    expect(seqs(ring.after(10))).toEqual([])
    expect(ring.after(9)).toBeUndefined()
    for (const seq of [11, 12, 13, 14]) ring.append([runEvent(seq)])
    expect(ring.after(10)).toBeUndefined()
    expect([11, 12, 13, 14, 15].map((seq) => seqs(ring.after(seq)))).toEqual([
      [12, 13, 14],
      [13, 14],
      [14],
      [],
      [],
    ])
  })

  test('are taken once, however often they come', () => {
    const ring = new EventRing(0)
    expect(ring.append([runEvent(1), runEvent(2)])).toBe(true)
    expect(ring.append([runEvent(1), runEvent(2)])).toBe(false)
    expect(ring.append([])).toBe(false)
    expect(ring.append([runEvent(2), runEvent(3)])).toBe(true)
    expect(seqs(ring.after(0))).toEqual([1, 2, 3])
  })

  test('are bounded in number and in bytes; who was up to date still gets all that came at once', () => {
    const size = fc.oneof(fc.nat(100), fc.constant(5_000))
    const batch = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), size), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 20 }), fc.nat(40), (batches, cursor) => {
        const ring = new EventRing(0, { maxEvents: 10, maxBytes: 4_000 })
        const all: number[] = []
        for (const each of batches) {
          const before = ring.end
          const events: AnyRunEvent[] = []
          // Numbers may be missing, of compacted events.
          for (const [step, bytes] of each)
            events.push(runEvent((events.at(-1)?.seq ?? before) + step, bytes))
          ring.append(events)
          all.push(...events.map(({ seq }) => seq))
          expect(seqs(ring.after(before))).toEqual(seqs(events))
          expect(ring.size.events).toBeLessThanOrEqual(10)
          expect(ring.size.bytes <= 4_000 || ring.size.events === 1).toBe(true)
        }
        const held = seqs(ring.after(cursor))
        if (cursor >= ring.floor) expect(held).toEqual(all.filter((seq) => seq > cursor))
        else expect(held ?? []).toEqual(held === undefined ? [] : all.filter((seq) => seq > cursor))
      }),
    )
  })
})
