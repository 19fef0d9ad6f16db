import type { Json, JsonObject } from '../../contract/json.ts'

/**
 * The arguments of a tool call as a model streamed them. Text that is not JSON is passed on as it is:
 * the tool loop finds that it does not fit the tool's schema and tells the model, which can correct it.
 */
export function parseToolArguments(text: string): Json {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

/** Arguments in the form providers insist on when a conversation is sent back to them: an object. */
export function toArgumentsObject(value: Json): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  return { malformed_arguments: value }
}
