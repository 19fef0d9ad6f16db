import type { Message } from './message.ts'
import { textOf } from './text-of.ts'

/** Of what a reader takes for a character, however many code points that is. */
const MAX_CHARACTERS = 80
/** There is no end to what is one character. */
const MAX_LENGTH = 400
/** No more is looked at of a long text. */
const LOOKED_AT = 4_000

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/**
 * The title of a conversation that begins with these messages: its user's first words, on one line.
 *
 * @returns null where the user has said nothing in words.
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
    // Where more follows, the last is that it does.
    if (count < MAX_CHARACTERS) end = index + segment.length
  }
  return text
}
