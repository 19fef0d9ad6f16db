import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/agent/define-agent.ts'

const run = async () => {}

describe('defining an agent', () => {
  test.each(['', 'a b', 'a/b', 'ä', 'x'.repeat(101)])('the key %j is refused', (key) => {
    expect(() => defineAgent({ key, run })).toThrow(/is not valid/)
  })

  test("an event type of the runtime's own is refused", () => {
    const events = { 'run.failed': { schema: z.unknown() } }
    expect(() => defineAgent({ key: 'a', events, run })).toThrow(/run\.failed/)
  })

  test.each(['', 'two\nlines', 'a\rb', 'a b', 'nul\0', 'half \ud800', '\u2028', 'x'.repeat(101)])(
    'the event type %j is refused',
    (type) => {
      const events = { [type]: { schema: z.unknown() } }
      expect(() => defineAgent({ key: 'a', events, run })).toThrow(/is no name of an event/)
    },
  )

  test.each(['research.progress', 'note', 'file:saved', 'größe', '進捗', '🎉'])(
    'the event type %j is taken',
    (type) => {
      const events = { [type]: { schema: z.unknown() } }
      expect(defineAgent({ key: 'a', events, run }).events).toBe(events)
    },
  )

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2_147_483_648])(
    'the timeout %d is refused',
    (timeoutMs) => {
      expect(() => defineAgent({ key: 'a', timeoutMs, run })).toThrow(/timeoutMs/)
    },
  )

  test.each([0, 1.5, 101])('%d attempts are refused', (maxAttempts) => {
    expect(() => defineAgent({ key: 'a', maxAttempts, run })).toThrow(/maxAttempts/)
  })

  test('limits in range are kept', () => {
    expect(defineAgent({ key: 'a', timeoutMs: 2_147_483_647, maxAttempts: 100, run })).toMatchObject({
      timeoutMs: 2_147_483_647,
      maxAttempts: 100,
    })
  })
})
