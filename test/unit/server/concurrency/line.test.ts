import { describe, expect, it } from 'vitest'
import { createLine, LineFull } from '../../../../server/concurrency/line.ts'

/** Work that ends when the test says so. */
function scene(options: { atOnce: number; perKey: number }) {
  const inLine = createLine(options)
  const started: string[] = []
  const ends = new Map<string, PromiseWithResolvers<string>>()
  return {
    started,
    ends,
    ask: (key: string, name: string) =>
      inLine(key, () => {
        started.push(name)
        const end = Promise.withResolvers<string>()
        ends.set(name, end)
        return end.promise
      }),
  }
}

describe('a line', () => {
  it('lets in so many at once, the others in their order', async () => {
    const { started, ends, ask } = scene({ atOnce: 2, perKey: 9 })
    const asked = ['1', '2', '3', '4'].map((name) => ask('a', name))
    expect(started).toEqual(['1', '2'])
    ends.get('2')?.resolve('done')
    await asked[1]
    expect(started).toEqual(['1', '2', '3'])
    ends.get('1')?.reject(new Error('as planned'))
    await expect(asked[0]).rejects.toThrow('as planned')
    expect(started).toEqual(['1', '2', '3', '4'])
    ends.get('3')?.resolve('done')
    ends.get('4')?.resolve('done')
    await Promise.all(asked.slice(2))
    void ask('a', '5')
    expect(started.at(-1)).toBe('5')
  })

  it('takes so many of one, and of others all the same', async () => {
    const { started, ends, ask } = scene({ atOnce: 1, perKey: 2 })
    const first = ask('a', '1')
    const second = ask('a', '2')
    await expect(ask('a', '3')).rejects.toThrow(LineFull)
    const others = ask('b', '4')
    ends.get('1')?.resolve('done')
    await first
    const again = ask('a', '5')
    ends.get('2')?.resolve('done')
    await second
    ends.get('4')?.resolve('done')
    await others
    ends.get('5')?.resolve('done')
    await again
    expect(started).toEqual(['1', '2', '4', '5'])
  })
})
