import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AgentRuntimeError } from '../../../../server/contract/agent-runtime-error.ts'
import { assertStorable, toStorableJson } from '../../../../server/contract/storable-json.ts'

/** Text with much more of the difficult characters than chance would give. */
const delicateText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\\',
        '\\\\',
        '\\u',
        '\\u0000',
        'u0000',
        '\u0000',
        '\ud83d',
        '\ude00',
        '\ud83d\ude00',
        '"',
        'd800',
      ),
    ),
  )
  .map((parts) => parts.join(''))

/**
 * What PostgreSQL accepts: no U+0000, no half of a surrogate pair. This rule is written differently from the
 * code's.
 */
const replaced = (text: string) => text.toWellFormed().replaceAll('\u0000', '\ufffd')

function isRefused(input: unknown): boolean {
  try {
    assertStorable(input)
    return false
  } catch (error) {
    if (error instanceof AgentRuntimeError && error.code === 'validation_failed') return true
    throw error
  }
}

describe('JSON for the store', () => {
  test('any text comes out as it was, but for what cannot be stored', () => {
    fc.assert(
      fc.property(delicateText, (text) => {
        expect(JSON.parse(toStorableJson(text))).toBe(replaced(text))
      }),
      { numRuns: 2_000 },
    )
  })

  test('any JSON comes out as it was, keys included, when there is nothing to replace', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        expect(JSON.parse(toStorableJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('keys are cleaned like values', () => {
    expect(JSON.parse(toStorableJson({ 'a\u0000b': { '\ud800': '\udc00' } }))).toEqual({
      'a\ufffdb': { '\ufffd': '\ufffd' },
    })
  })

  test('an escaped backslash before "u0000" is text, not an escape', () => {
    for (const text of ['\\u0000', '\\\\u0000', '\\ud800', 'C:\\users\\u0000']) {
      expect(JSON.parse(toStorableJson(text))).toBe(text)
      expect(isRefused(text)).toBe(false)
    }
    expect(JSON.parse(toStorableJson('\\\u0000'))).toBe('\\\ufffd')
  })

  test('undefined is null', () => {
    expect(toStorableJson(undefined)).toBe('null')
  })

  test('what a caller sends is refused exactly when it would be altered', () => {
    fc.assert(
      fc.property(delicateText, (text) => {
        const input = { nested: [{ [text]: 1 }, text] }
        expect(isRefused(input)).toBe(replaced(text) !== text)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a megabyte of backslashes takes no time', () => {
    const text = `${'\\'.repeat(500_000)}\u0000${'\\'.repeat(500_001)}u0000`
    const before = performance.now()
    expect(JSON.parse(toStorableJson(text))).toBe(replaced(text))
    expect(isRefused(text)).toBe(true)
    expect(performance.now() - before).toBeLessThan(1_000)
  })
})
