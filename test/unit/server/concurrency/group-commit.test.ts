import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createGroupCommit } from '../../../../server/concurrency/group-commit.ts'

/** A flush that waits until the test lets it continue, one batch after the other. */
function heldFlush() {
  const batches: { items: readonly number[]; release: PromiseWithResolvers<readonly string[]> }[] = []
  const arrivals: (() => void)[] = []
  return {
    batches,
    flush(items: readonly number[]): Promise<readonly string[]> {
      const release = Promise.withResolvers<readonly string[]>()
      batches.push({ items, release })
      for (const arrive of arrivals.splice(0)) arrive()
      return release.promise
    },
    async batch(index: number) {
      while (batches[index] === undefined) await new Promise<void>((resolve) => arrivals.push(resolve))
      return batches[index]
    },
  }
}

const answersTo = (items: readonly number[]) => items.map((item) => `answer to ${item}`)

describe('group commit', () => {
  test('what arrives in one pass of the event loop is one batch', async () => {
    const held = heldFlush()
    const commit = createGroupCommit({ maxBatch: 10, flush: held.flush })
    const answers = Promise.all([commit(1), commit(2), commit(3)])
    const { items, release } = await held.batch(0)
    expect(items).toEqual([1, 2, 3])
    release.resolve(answersTo(items))
    expect(await answers).toEqual(['answer to 1', 'answer to 2', 'answer to 3'])
  })

  test('what comes together by itself is flushed before the turn is over', async () => {
    const held = heldFlush()
    const commit = createGroupCommit({ maxBatch: 10, gather: 'tick', flush: held.flush })
    const answers = Promise.all([commit(1), commit(2)])
    let turnIsOver = false
    setImmediate(() => (turnIsOver = true))
    const { items, release } = await held.batch(0)
    expect(turnIsOver).toBe(false)
    release.resolve(answersTo(items))
    expect(await answers).toEqual(['answer to 1', 'answer to 2'])
  })

  test('a batch weighs no more than it may, and what weighs more goes alone', async () => {
    const batches: (readonly number[])[] = []
    const commit = createGroupCommit<number, number>({
      maxBatch: 3,
      maxWeight: 10,
      weigh: (item) => item,
      async flush(items) {
        batches.push(items)
        return items
      },
    })
    const items = [4, 6, 1, 11, 20, 1, 1, 1, 1]
    expect(await Promise.all(items.map((item) => commit(item)))).toEqual(items)
    expect(batches).toEqual([[4, 6], [1], [11], [20], [1, 1, 1], [1]])
  })

  test('what arrives during a flush waits for it and goes together', async () => {
    const held = heldFlush()
    const commit = createGroupCommit({ maxBatch: 10, flush: held.flush })
    const first = commit(1)
    const { release } = await held.batch(0)
    const rest = Promise.all([commit(2), commit(3)])
    expect(held.batches).toHaveLength(1)
    release.resolve(['a'])
    expect(await first).toBe('a')
    const second = await held.batch(1)
    expect(second.items).toEqual([2, 3])
    second.release.resolve(['b', 'c'])
    expect(await rest).toEqual(['b', 'c'])
  })

  test('a flush that fails rejects its own batch and no other', async () => {
    const held = heldFlush()
    const commit = createGroupCommit({ maxBatch: 1, flush: held.flush })
    const outcomes = Promise.allSettled([commit(1), commit(2)])
    ;(await held.batch(0)).release.reject(new Error('broken'))
    ;(await held.batch(1)).release.resolve(['fine'])
    expect(await outcomes).toEqual([
      { status: 'rejected', reason: new Error('broken') },
      { status: 'fulfilled', value: 'fine' },
    ])
  })

  test('a flush that throws instead of rejecting is no different', async () => {
    const commit = createGroupCommit<number, number>({
      maxBatch: 1,
      flush: () => {
        throw new Error('thrown')
      },
    })
    await expect(commit(1)).rejects.toThrow('thrown')
    await expect(commit(2)).rejects.toThrow('thrown')
  })

  test('a batch that failed for one of its items is flushed item by item, beside those that follow', async () => {
    const flushed: number[][] = []
    const held = Promise.withResolvers<void>()
    const commit = createGroupCommit<number, string>({
      maxBatch: 3,
      mayBeOnes: (error) => error instanceof RangeError,
      async flush(items) {
        flushed.push([...items])
        if (items.length === 1 && items[0] === 2) await held.promise
        if (items.includes(2)) throw new RangeError('not two')
        return answersTo(items)
      },
    })
    const outcomes = [1, 2, 3, 4].map((item) => commit(item))
    expect(await Promise.all([outcomes[0], outcomes[2], outcomes[3]])).toEqual(answersTo([1, 3, 4]))
    expect(await commit(5)).toBe('answer to 5')
    held.resolve()
    await expect(outcomes[1]).rejects.toThrow('not two')
    expect(flushed.filter((items) => items.includes(2))).toEqual([[1, 2, 3], [2]])
  })

  test('is not taken apart for a failure that is nobody’s, nor is one item tried twice', async () => {
    const flushed: number[][] = []
    const commit = createGroupCommit<number, string>({
      maxBatch: 2,
      mayBeOnes: (error, count) => error instanceof RangeError && count > 1,
      async flush(items) {
        flushed.push([...items])
        throw items.length === 1 ? new RangeError('its own') : new Error('of all')
      },
    })
    const outcomes = await Promise.allSettled([1, 2, 3].map((item) => commit(item)))
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && String(outcome.reason))).toEqual([
      'Error: of all',
      'Error: of all',
      'RangeError: its own',
    ])
    expect(flushed).toEqual([[1, 2], [3]])
  })

  test('any arrivals, in any interleaving: each item once, in order, never two flushes at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.record({ microtasks: fc.nat(6), fails: fc.boolean() }), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        async (s, arrivals, maxBatch) => {
          const flushed: number[] = []
          let underWay = 0
          const commit = createGroupCommit<number, string>({
            maxBatch,
            async flush(items) {
              underWay += 1
              expect(underWay).toBe(1)
              expect(items.length).toBeLessThanOrEqual(maxBatch)
              flushed.push(...items)
              await s.schedule(Promise.resolve())
              underWay -= 1
              if (items.some((item) => arrivals[item]?.fails)) throw new Error('broken')
              return answersTo(items)
            },
          })
          const outcomes: Promise<string>[] = []
          for (const [item, { microtasks }] of arrivals.entries()) {
            outcomes.push(commit(item).catch(() => 'broken'))
            // A wake-up could be lost a few microtasks after the end of a flush.
            for (let i = 0; i < microtasks; i += 1) await Promise.resolve()
            if (microtasks === 6 && s.count() > 0) await s.waitOne()
          }
          await s.waitFor(Promise.all(outcomes))
          expect(flushed).toEqual(arrivals.map((_, item) => item))
          for (const [item, outcome] of (await Promise.all(outcomes)).entries()) {
            const own = arrivals[item]?.fails === true ? [] : [`answer to ${item}`]
            expect(['broken', ...own]).toContain(outcome)
          }
        },
      ),
    )
  })
})
