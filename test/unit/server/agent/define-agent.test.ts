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

  test.each([0, -1, 36_501, Number.NaN, Number.POSITIVE_INFINITY, '30', true, null])(
    'runs are not kept for %j days',
    (retentionDays) => {
      expect(() => defineAgent({ key: 'a', retentionDays: retentionDays as never, run })).toThrow(
        'Agent "a": retentionDays is false or a number from 1 to 36500.',
      )
    },
  )

  test.each([0, 1.5, 101])('%d attempts are refused', (maxAttempts) => {
    expect(() => defineAgent({ key: 'a', maxAttempts, run })).toThrow(/maxAttempts/)
  })

  test.each([
    ['descripton', 'Agent "a": there is no option descripton, did you mean description?'],
    ['maxAttempt', 'Agent "a": there is no option maxAttempt, did you mean maxAttempts?'],
    ['prompt', 'Agent "a": there is no option prompt.'],
  ])('from JavaScript, the option %s is refused', (name, message) => {
    expect(() => defineAgent({ key: 'a', run, [name]: 1 })).toThrow(new TypeError(message))
  })

  test.each([1, [], 'pick', null, () => {}])(
    'from JavaScript, tools and waits that are %j are refused',
    (value) => {
      const refused = (name: string) =>
        expect(() => defineAgent({ key: 'a', run, [name]: value as never })).toThrow(
          `Agent "a": ${name} are an object of names and`,
        )
      refused('tools')
      refused('waits')
    },
  )

  test('a slip is told before what is missing for it', () => {
    // @ts-expect-error -- as JavaScript may have it
    expect(() => defineAgent({ ky: 'a', run })).toThrow(/no option ky, did you mean key\?$/)
  })

  test("an event's unknown option is refused", () => {
    const note = { schema: z.string(), visiblity: 'internal' }
    expect(() => defineAgent({ key: 'a', events: { note }, run })).toThrow(
      new TypeError('Agent "a", event "note": there is no option visiblity, did you mean visibility?'),
    )
  })

  test('limits in range are kept', () => {
    expect(defineAgent({ key: 'a', timeoutMs: 2_147_483_647, maxAttempts: 100, run })).toMatchObject({
      timeoutMs: 2_147_483_647,
      maxAttempts: 100,
    })
  })
})
