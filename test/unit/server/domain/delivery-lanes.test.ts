import { describe, expect, test } from 'vitest'
import { createDeliveryLanes } from '../../../../server/domain/delivery-lanes.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

function setUp(bounds: { maxQuick?: number; maxSlow?: number } = {}) {
  const clock = new ManualClock()
  const told = { times: 0 }
  const lanes = createDeliveryLanes(
    clock,
    { maxQuick: 2, maxSlow: 3, quickMs: 1_000, knownSlowMs: 5_000, ...bounds },
    () => (told.times += 1),
  )
  const enter = (deliveries = 1, isKnownSlow = false) => lanes.enter({ deliveries, isKnownSlow })
  const pass = async (ms: number) => {
    clock.advance(ms)
    await Promise.resolve()
  }
  return { clock, lanes, told, enter, pass }
}

describe('a quick batch', () => {
  test('has its place until it leaves, or has taken its time', async () => {
    const { lanes, enter, pass, told } = setUp()
    const one = enter()
    enter()
    expect(lanes.hasRoom).toBe(false)
    one.leave()
    one.leave()
    expect([lanes.hasRoom, told.times]).toEqual([true, 1])
    const other = enter()
    await pass(1_000)
    expect([lanes.hasRoom, lanes.hasRoomForSlow, other.isSlow, other.signal.aborted]).toEqual([
      true,
      true,
      true,
      false,
    ])
  })

  test('leaves nothing behind', async () => {
    const { clock, lanes, enter, pass } = setUp()
    for (let count = 0; count < 1_000; count++) enter(10).leave()
    expect(clock.sleeping).toBe(0)
    await pass(1_000)
    expect([lanes.hasRoom, lanes.hasRoomForSlow]).toEqual([true, true])
  })
})

describe('slow batches', () => {
  test('give their places up where there are too many: those that hung before first, then the oldest', async () => {
    const { enter, pass } = setUp()
    const [first, second] = [enter(), enter()]
    await pass(1_000)
    const known = enter(1, true)
    expect(known.isSlow).toBe(true)
    const third = enter()
    await pass(1_000)
    const aborted = () => [first, second, third, known].map(({ signal }) => signal.aborted)
    expect(aborted()).toEqual([false, false, false, true])
    enter()
    await pass(1_000)
    expect(aborted()).toEqual([true, false, false, true])
  })

  test('are no more than their places, however many come', async () => {
    const { lanes, enter, pass } = setUp({ maxSlow: 10 })
    const all = []
    for (let round = 0; round < 1_000; round++) {
      all.push(enter(3))
      await pass(1_000)
    }
    expect(all.filter(({ signal }) => !signal.aborted)).toHaveLength(3)
    for (const one of all) one.leave()
    expect([lanes.hasRoom, lanes.hasRoomForSlow]).toEqual([true, true])
  })

  test('that are larger than all places are given up', async () => {
    const { lanes, enter, pass } = setUp()
    const large = enter(10)
    await pass(1_000)
    expect([large.signal.aborted, lanes.hasRoomForSlow]).toEqual([true, true])
  })
})
