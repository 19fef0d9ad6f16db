import type { Message } from './message.ts'
import { textOf } from './text-of.ts'

/** Counted in characters as people see them, whatever the number of code points. */
const MAX_CHARACTERS = 80
/** A single visible character can have any number of code points. */
const MAX_LENGTH = 400
/** Only this much of a long text is read. */
const LOOKED_AT = 4_000

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/**
 * The title of a conversation that begins with these messages: its user's first words, on one line.
 *
 * @returns null if the user has written no text.
 */
export function titleOf(messages: readonly Message[]): string | null {
  for (const message of messages) {
    const text = message.role === 'user' ? beginningOf(textOf(message)) : ''
    if (text !== '') return shorten(text)
  }
  return null
}

function beginningOf(text: string): string {
  const isHalf = /[\uD800-\uDBFF]$/
  return text.slice(0, LOOKED_AT).replace(isHalf, '').replaceAll(/\s+/gu, ' ').trim()
}

function shorten(text: string): string {
  let end = 0
  let count = 0
  for (const { index, segment } of characters.segment(text)) {
    count += 1
    if (count > MAX_CHARACTERS || index + segment.length > MAX_LENGTH)
      return `${text.slice(0, end).trimEnd()}…`
    // If more follows, the last character is an ellipsis.
    if (count < MAX_CHARACTERS) end = index + segment.length
  }
  return text
}
