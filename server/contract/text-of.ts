import type { Part } from './message-part.ts'

/**
 * The text of a message, or of its content: its text parts, one after the other.
 *
 * @returns `''` where there is none.
 * @example
 * textOf(ctx.messages.at(-1)) // 'What is on this picture?'
 */
export function textOf(said: Content | { content: Content } | undefined): string {
  if (said === null || said === undefined) return ''
  if (typeof said === 'string') return said
  if ('content' in said) return textOf(said.content)
  return said.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

type Content = string | readonly Part[] | null
