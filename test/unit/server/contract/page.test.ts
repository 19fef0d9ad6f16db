import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AgentRuntimeError } from '../../../../server/contract/agent-runtime-error.ts'
import { decodeCursor, encodeCursor } from '../../../../server/contract/page.ts'

function rewritten(text: string): string {
  try {
    return encodeCursor(decodeCursor(text))
  } catch (error) {
    return error instanceof AgentRuntimeError ? error.code : String(error)
  }
}

describe('a page cursor', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.constantFrom('before', 'after'), fc.uuid(), (direction, id) => {
        expect(decodeCursor(encodeCursor({ direction, id }))).toEqual({ direction, id })
      }),
    )
  })

  test('any text that is not the writing of a cursor is refused', () => {
    const almost = fc
      .tuple(
        fc.constantFrom('before', 'after', 'Before', ''),
        fc.constantFrom('.', ',', '..', ''),
        fc.oneof(fc.uuid(), fc.string()),
        fc.constantFrom('', '.', '.x', ' '),
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(fc.string(), almost), (text) => {
        expect([text, 'bad_request']).toContain(rewritten(text))
      }),
      { numRuns: 500 },
    )
  })

  test('a refused one is quoted shortened', () => {
    expect(() => decodeCursor('x'.repeat(10_000))).toThrow(
      expect.objectContaining({ details: { cursor: 'x'.repeat(100) } }),
    )
  })
})
