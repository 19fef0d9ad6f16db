import { describe, expect, it } from 'vitest'
import { AppendLog } from '../../../client/append-log.ts'

describe('an append log', () => {
  it('keeps one array for all versions of a history without forks', () => {
    const shared: number[] = []
    let log = new AppendLog(shared)
    for (let n = 0; n < 10_000; n += 1) log = log.append(n)
    expect(shared).toHaveLength(10_000)
    expect(log.toArray()).toEqual(shared)
  })

  it('leaves a version unchanged when other versions continue from it', () => {
    const one = new AppendLog<string>().append('a')
    const left = one.append('b')
    const right = one.append('c')
    expect(one.toArray()).toEqual(['a'])
    expect(left.toArray()).toEqual(['a', 'b'])
    expect(right.toArray()).toEqual(['a', 'c'])
  })

  it('returns the same array each time', () => {
    const log = new AppendLog<string>().append('a')
    log.append('b')
    expect(log.toArray()).toBe(log.toArray())
  })
})
