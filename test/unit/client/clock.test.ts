import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../../client/clock.ts'

const DAY_MS = 86_400_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a sleep longer than the longest timer lasts its full time', async () => {
  const woke = vi.fn<() => void>()
  void systemClock.sleep(60 * DAY_MS).then(woke)
  await vi.advanceTimersByTimeAsync(60 * DAY_MS - 1)
  expect(woke).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(woke).toHaveBeenCalledOnce()
})

test('an endless sleep ends when it is aborted', async () => {
  const woke = vi.fn<() => void>()
  const leaving = new AbortController()
  void systemClock.sleep(Infinity, leaving.signal).then(woke)
  await vi.advanceTimersByTimeAsync(60 * DAY_MS)
  expect(woke).not.toHaveBeenCalled()
  leaving.abort()
  await vi.advanceTimersByTimeAsync(0)
  expect(woke).toHaveBeenCalledOnce()
  expect(vi.getTimerCount()).toBe(0)
})
