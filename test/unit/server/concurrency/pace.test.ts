import { describe, expect, test } from 'vitest'
import { createPace } from '../../../../server/concurrency/pace.ts'

/** Time that passes while callers wait for it. */
function scene(perSecond: number | false) {
  let now = 0
  const waits: number[] = []
  const pace = createPace(perSecond, {
    now: () => now,
    sleep: async (ms) => void waits.push(ms),
  })
  return { pace, waits, pass: (ms: number) => (now += ms) }
}

describe('a pace', () => {
  test('is kept by all together, in the order in which they ask', async () => {
    const { pace, waits } = scene(1_000)
    await Promise.all([pace(100), pace(200), pace(50)])
    expect(waits).toEqual([100, 300])
  })

  test('is not made up for after a pause', async () => {
    const { pace, waits, pass } = scene(1_000)
    await pace(100)
    pass(60_000)
    await pace(100)
    await pace(100)
    expect(waits).toEqual([100])
  })

  test('may be none', async () => {
    const { pace, waits } = scene(false)
    for (let count = 0; count < 100; count++) await pace(1_000_000)
    expect(waits).toEqual([])
  })
})
