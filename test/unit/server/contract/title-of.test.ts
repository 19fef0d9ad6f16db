import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { titleOf } from '../../../../server/contract/title-of.ts'

const user = (content: string) => ({ role: 'user' as const, content })

describe('the title of a conversation', () => {
  it('is the first that its user says in words, on one line', () => {
    expect(titleOf([])).toBeNull()
    expect(titleOf([{ role: 'system', content: 'Be brief.' }, user(' What is\n\t6 * 7? '), user('No')])).toBe(
      'What is 6 * 7?',
    )
    const image = { type: 'image' as const, url: 'https://example.com/a.png' }
    expect(titleOf([{ role: 'user', content: [image] }])).toBeNull()
    expect(titleOf([{ role: 'user', content: [image, { type: 'text', text: 'What is it?' }] }])).toBe(
      'What is it?',
    )
    expect(titleOf([user(' \n '), user('Then this')])).toBe('Then this')
    expect(titleOf([{ role: 'assistant', content: 'Hello!' }])).toBeNull()
  })

  it('has 80 characters at most, each of them whole', () => {
    expect(titleOf([user('x'.repeat(80))])).toBe('x'.repeat(80))
    expect(titleOf([user('x'.repeat(81))])).toBe(`${'x'.repeat(79)}…`)
    const family = '👩‍👩‍👧‍👦'
    expect(titleOf([user(family.repeat(30))])).toBe(family.repeat(30))
    expect(titleOf([user(family.repeat(90))])).toBe(`${family.repeat(36)}…`)
    expect(titleOf([user(`${'a '.repeat(39)}b cccc`)])).toBe(`${'a '.repeat(39)}b…`)
    // One without an end.
    expect(titleOf([user(`a${'\u0301'.repeat(1_000)}`)])).toBe('…')
  })

  it('is text that the database can store, of whatever is said', () => {
    const anything = fc.tuple(fc.nat({ max: 4_001 }), fc.string({ unit: 'binary', maxLength: 300 }))
    fc.assert(
      fc.property(anything, ([spaces, text]) => {
        const title = titleOf([user(`${' '.repeat(spaces)}${text}`)]) ?? ''
        expect(title.isWellFormed()).toBe(true)
        expect(title.length).toBeLessThanOrEqual(401)
      }),
    )
    expect(titleOf([user(`a${' '.repeat(3_998)}😀`)])).toBe('a')
  })
})
