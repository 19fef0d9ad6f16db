// PostgreSQL's jsonb takes every JSON text but two: the escapes of U+0000 and of half a surrogate pair.
// JSON.stringify writes exactly those as escapes, so they can be found in its output.
import { AgentRuntimeError } from './agent-runtime-error.ts'

const UNSTORABLE = /(?<=(?<!\\)(?:\\\\)*)\\u(?:0000|d[89ab][0-9a-f]{2}|d[c-f][0-9a-f]{2})/g

/**
 * JSON text for the store. Characters that it cannot hold become U+FFFD, because a model's output must not
 * make a flush fail that carries other runs' events too.
 */
export function toStorableJson(value: unknown): string {
  return storable(JSON.stringify(value ?? null))
}

/** The same for a text that `JSON.stringify` wrote. */
export function storable(text: string): string {
  return text.replace(UNSTORABLE, '\\ufffd')
}

/**
 * For a caller's input, which must not be altered silently.
 *
 * @returns how many characters it has as JSON.
 * @throws AgentRuntimeError `validation_failed`
 */
export function assertStorable(value: unknown): number {
  const text = JSON.stringify(value ?? null)
  if (text.search(UNSTORABLE) === -1) return text.length
  throw new AgentRuntimeError(
    'validation_failed',
    'Text must not contain U+0000 or half a surrogate pair: the database can store neither.',
  )
}
