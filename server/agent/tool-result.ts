import type { Json } from '../contract/json.ts'

/** More no model reads, and the conversation with all its results has to fit into a row. */
const MAX_CHARACTERS = 1_000_000
const SHOWN_CHARACTERS = 50_000

/** What a model gets of a result: all of it, or its beginning with a note. */
export function bounded(value: Json, length: number, maxBytes: number | undefined): Json {
  // No text has more bytes than three times its characters.
  const isSmall = length <= MAX_CHARACTERS && (maxBytes === undefined || length * 3 <= maxBytes)
  if (isSmall) return value
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (maxBytes === undefined) return told(text, text.slice(0, SHOWN_CHARACTERS).toWellFormed())
  const bytes = Buffer.from(JSON.stringify(value))
  return bytes.length <= maxBytes ? value : told(text, beginningOf(text, maxBytes))
}

/** What a model gets of an error: as much of it as of a result. */
export function boundedError(text: string, maxBytes: number | undefined): string {
  if (text.length <= (maxBytes === undefined ? MAX_CHARACTERS : maxBytes / 3)) return text
  if (maxBytes !== undefined && Buffer.byteLength(JSON.stringify(text)) <= maxBytes) return text
  const beginning =
    maxBytes === undefined ? text.slice(0, SHOWN_CHARACTERS).toWellFormed() : beginningOf(text, maxBytes)
  return `${beginning}… ${tooLarge('error', text, beginning)}`
}

/** Without a character that is cut in two. */
function beginningOf(text: string, maxBytes: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, maxBytes), { stream: true })
}

function told(text: string, beginning: string): Json {
  return { note: tooLarge('result', text, beginning), beginning }
}

function tooLarge(what: 'result' | 'error', text: string, beginning: string): string {
  return `The ${what} is too large: ${text.length} characters, of which these are the first ${beginning.length}.`
}
