import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../../server/ports/system-clock.ts'

const DAY_MS = 86_400_000

describe("the system's clock", () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function sleep(ms: number, signal?: AbortSignal) {
    const slept = vi.fn<() => void>()
    void systemClock.sleep(ms, signal).then(slept)
    return slept
  }

  test.each([0.5, 25, 75, 1_000])('sleeps for %d days, however long its timers can be', async (days) => {
    const slept = sleep(days * DAY_MS)
    await vi.advanceTimersByTimeAsync(days * DAY_MS - 1)
    expect(slept).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(slept).toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('sleeps forever where that is asked for, until it is woken', async () => {
    const waking = new AbortController()
    const slept = sleep(Infinity, waking.signal)
    await vi.advanceTimersByTimeAsync(100 * DAY_MS)
    expect(slept).not.toHaveBeenCalled()
    waking.abort()
    await vi.advanceTimersByTimeAsync(0)
    expect(slept).toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})
