import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyedList } from '../../../client/keyed-list.ts'

interface Item {
  key?: string
  value: number
}

const empty = () => new KeyedList(({ key }: Item) => key)

const change = fc.record({
  /** The version that is changed, counted from the newest. */
  back: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(8)),
  key: fc.constantFrom('a', 'b', 'c', undefined),
  isPut: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
  isRead: fc.boolean(),
})

/** Makes the same change on a plain copy. */
function changed(
  items: readonly Item[],
  { key, isPut }: { key: string | undefined; isPut: boolean },
  value: number,
) {
  const at = key === undefined ? -1 : items.findIndex((item) => item.key === key)
  if (!isPut) return items.filter((_, index) => index !== at)
  const item = key === undefined ? { value } : { key, value }
  return at === -1 ? [...items, item] : items.with(at, item)
}

describe('a list with keys', () => {
  it('has in each version the items of a plain copy, whichever version is changed or read', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const versions: { list: KeyedList<Item>; items: readonly Item[] }[] = [{ list: empty(), items: [] }]
        for (const [value, one] of changes.entries()) {
          const { list, items } = versions[Math.max(0, versions.length - 1 - one.back)]!
          if (one.isRead) expect(list.toArray()).toEqual(items)
          const item = one.key === undefined ? { value } : { key: one.key, value }
          versions.push({
            list: one.isPut ? list.put(item) : one.key === undefined ? list : list.without(one.key),
            items: changed(items, one, value),
          })
        }
        for (const { list, items } of versions) {
          for (const key of ['a', 'b', 'c']) {
            expect(list.get(key)).toEqual(items.find((item) => item.key === key))
          }
          const keys = items.flatMap(({ key }) => (key === undefined ? [] : [key]))
          const places = keys.map((key) => list.placeOf(key))
          expect(places).toEqual(places.toSorted((one, other) => one - other))
          expect(places).not.toContain(-1)
          expect(list.findLast(() => true)).toEqual(items.at(-1))
          expect(list.toArray()).toEqual(items)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('returns the same array each time it is read', () => {
    const list = empty().put({ key: 'a', value: 1 })
    const read = list.toArray()
    const next = list.put({ key: 'a', value: 2 })
    expect(list.toArray()).toBe(read)
    expect(next.without('b')).toBe(next)
    expect(next.toArray()).toEqual([{ key: 'a', value: 2 }])
  })

  it('may be an empty constant, which holds no later version in memory', () => {
    const none = empty()
    const reading = none.toArray()
    expect(none.put({ key: 'a', value: 1 }).toArray()).toHaveLength(1)
    expect(none.put({ value: 2 }).toArray()).toHaveLength(1)
    expect(none.toArray()).toBe(reading)
  })
})
