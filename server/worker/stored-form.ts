import { NonRetriableError } from '../agent/non-retriable-error.ts'
import type { Json } from '../contract/json.ts'
import { MAX_PAYLOAD_CHARACTERS } from '../ports/attempt.ts'
import { toJsonForm } from '../agent/json-form.ts'

/**
 * A value as it will be read back.
 *
 * @param what begins the sentence that says what is wrong with it.
 * @throws NonRetriableError when it is no JSON or too large: another attempt would find it so again.
 */
export function storedForm(
  what: string,
  value: unknown,
  { maxCharacters = MAX_PAYLOAD_CHARACTERS, advice = 'Use plain data.' } = {},
): Json {
  try {
    const form = toJsonForm(value)
    if (form.length <= maxCharacters) return form.value
    throw new RangeError(`it is too large, ${form.length} characters where ${maxCharacters} can be stored`)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new NonRetriableError(`${what} can't be stored: ${why}. ${advice}`, { cause })
  }
}
