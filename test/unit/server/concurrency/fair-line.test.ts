import { setImmediate as settled } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createFairLine } from '../../../../server/concurrency/fair-line.ts'

function scene() {
  const enter = createFairLine({ atOnce: 3, perKey: 2 })
  const inside: string[] = []
  const leaves = new Map<string, () => void>()
  /** Asks for a place, with the first letter of the name as the key. */
  async function ask(name: string, signal?: AbortSignal): Promise<void> {
    leaves.set(name, await enter(name.charAt(0), signal))
    inside.push(name)
  }
  async function leave(name: string) {
    leaves.get(name)?.()
    await settled()
  }
  return { ask, inside, leave }
}

describe('a fair line', () => {
  test('lets others by those whose places are all taken', async () => {
    const { ask, inside, leave } = scene()
    const asked = ['a1', 'a2', 'a3', 'b1', 'b2'].map((name) => ask(name))
    await settled()
    expect(inside).toEqual(['a1', 'a2', 'b1'])
    await leave('b1')
    expect(inside.at(-1)).toBe('b2')
    await leave('a1')
    await leave('a1')
    expect(inside.at(-1)).toBe('a3')
    await Promise.all(asked)
  })

  test('lets those in first who have the fewest places, however many others came before', async () => {
    const { ask, inside, leave } = scene()
    for (const name of ['a1', 'a2', 'b1']) void ask(name)
    for (let n = 3; n < 10_000; n++) void ask(`a${n}`)
    for (const name of ['b2', 'c1', 'c2']) void ask(name)
    await settled()
    await leave('a1')
    expect(inside.at(-1)).toBe('c1')
    await leave('a2')
    expect(inside.at(-1)).toBe('a3')
    await leave('c1')
    expect(inside.at(-1)).toBe('c2')
  })

  test('may be left, before and while one waits', async () => {
    const { ask, inside, leave } = scene()
    for (const name of ['a1', 'a2', 'b1']) void ask(name)
    const leaving = new AbortController()
    const left = ask('c1', leaving.signal)
    void ask('d1')
    leaving.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    await expect(ask('c2', leaving.signal)).rejects.toThrow('gone')
    await leave('b1')
    expect(inside).toEqual(['a1', 'a2', 'b1', 'd1'])
  })

  test('is free again after ten thousand', async () => {
    const { ask, inside, leave } = scene()
    for (let n = 0; n < 10_000; n++) {
      await ask(`a${n}`)
      await leave(`a${n}`)
    }
    for (const name of ['b1', 'b2', 'c1']) void ask(name)
    await settled()
    expect(inside.slice(-3)).toEqual(['b1', 'b2', 'c1'])
  })
})
