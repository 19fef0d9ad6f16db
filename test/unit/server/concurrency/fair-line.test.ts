import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createFairLine } from '../../../../server/concurrency/fair-line.ts'

const BOUNDS = { atOnce: 3, perKey: 2, waiting: 4, waitingPerKey: 2, patienceMs: 1_000 }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function scene() {
  const enter = createFairLine(BOUNDS)
  const inside: string[] = []
  const leaves = new Map<string, () => void>()
  /** Asks for a place, under the first letter of the name. */
  async function ask(name: string): Promise<string> {
    try {
      leaves.set(name, await enter(name.charAt(0)))
      inside.push(name)
      return 'inside'
    } catch (error) {
      return String(error)
    }
  }
  async function leave(name: string) {
    leaves.get(name)?.()
    await vi.advanceTimersByTimeAsync(0)
  }
  return { ask, inside, leave }
}

describe('a fair line', () => {
  test('lets others by those whose places are all taken', async () => {
    const { ask, inside, leave } = scene()
    const asked = ['a1', 'a2', 'a3', 'b1', 'b2'].map(ask)
    await vi.advanceTimersByTimeAsync(0)
    expect(inside).toEqual(['a1', 'a2', 'b1'])
    await leave('b1')
    expect(inside.at(-1)).toBe('b2')
    await leave('a1')
    await leave('a1')
    expect(inside.at(-1)).toBe('a3')
    expect(await Promise.all(asked)).toEqual(Array(5).fill('inside'))
  })

  test('is so long, of one and of all', async () => {
    const { ask } = scene()
    for (const name of ['a1', 'a2', 'b1', 'a3', 'a4']) void ask(name)
    expect(await ask('a5')).toBe('NotLetIn: Not let in: too-many-of-one.')
    void ask('c1')
    void ask('d1')
    expect(await ask('e1')).toBe('NotLetIn: Not let in: too-many.')
  })

  test('is left by those for whom it takes too long', async () => {
    const { ask, inside, leave } = scene()
    for (const name of ['a1', 'a2', 'b1']) void ask(name)
    const late = ask('c1')
    await vi.advanceTimersByTimeAsync(500)
    const next = ask('d1')
    await vi.advanceTimersByTimeAsync(500)
    expect(await late).toBe('NotLetIn: Not let in: too-long.')
    await leave('b1')
    expect(await next).toBe('inside')
    expect(inside).not.toContain('c1')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is free again after ten thousand', async () => {
    const { ask, inside, leave } = scene()
    for (let n = 0; n < 10_000; n++) {
      await ask(`a${n}`)
      await leave(`a${n}`)
    }
    for (const name of ['b1', 'b2', 'c1']) void ask(name)
    await vi.advanceTimersByTimeAsync(0)
    expect(inside.slice(-3)).toEqual(['b1', 'b2', 'c1'])
  })
})
