import type { Json, JsonObject } from '../../contract/json.ts'

/**
 * The arguments of a tool call as a model streamed them. Text that is not JSON is passed on as it is:
 * the tool loop finds that it does not fit the tool's schema and tells the model, which can correct it.
 * Nothing and `null` are an empty object, and an object that is JSON twice over is the object.
 */
export function parseToolArguments(text: string): Json {
  if (text.trim() === '') return {}
  const value = parse(text)
  if (value === null) return {}
  const inner = typeof value === 'string' ? parse(value) : value
  return isObject(inner) ? inner : (value ?? text)
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** Arguments in the form providers insist on when a conversation is sent back to them: an object. */
export function toArgumentsObject(value: Json): JsonObject {
  return isObject(value) ? value : { malformed_arguments: value }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
