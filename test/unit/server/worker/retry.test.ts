import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelError } from '../../../../server/ports/model.ts'
import { retryPolicyOf } from '../../../../server/lifecycle/backoff.ts'
import { retryDelayMs } from '../../../../server/worker/retry.ts'

const DAY_MS = 86_400_000
const POLICY = retryPolicyOf(1_000)
const asking = (retryAfterMs: number) =>
  new ModelError('Too many requests.', { retriable: true, retryAfterMs })

describe('the wait before another attempt', () => {
  test('is a whole number of milliseconds the database can hold, whatever anybody asks for', () => {
    const anything = fc.oneof(
      fc.double(),
      fc.constantFrom(0.5, 1e14, Number.NaN, Number.POSITIVE_INFINITY, -1),
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        anything,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, asked, chance) => {
          const delayMs = retryDelayMs({ failures, error: asking(asked), chance }, POLICY)
          expect(Number.isInteger(delayMs)).toBe(true)
          expect(delayMs).toBeGreaterThanOrEqual(0)
          expect(delayMs).toBeLessThanOrEqual(DAY_MS)
        },
      ),
    )
  })

  test('doubles up to its limit, by half of it at random', () => {
    const { delayMs, maxDelayMs } = POLICY
    const wait = (failures: number, chance: number) =>
      retryDelayMs({ failures, error: undefined, chance }, POLICY)
    expect([wait(1, 0), wait(2, 0), wait(3, 0)]).toEqual([delayMs / 2, delayMs, delayMs * 2])
    expect(wait(50, 0)).toBe(maxDelayMs / 2)
    expect(wait(50, 0.999)).toBeLessThanOrEqual(maxDelayMs)
  })

  test('is never shorter than a provider asks, up to a day', () => {
    const wait = (asked: number) => retryDelayMs({ failures: 1, error: asking(asked), chance: 0 }, POLICY)
    expect([wait(30_000), wait(1), wait(DAY_MS * 2)]).toEqual([30_000, 500, DAY_MS])
    expect(wait(1_234.5)).toBe(1_235)
  })
})
