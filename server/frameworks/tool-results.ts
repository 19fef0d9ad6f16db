// The forms in which what tools returned is told and stored.
import { toJsonForm } from '../agent/json-form.ts'
import type { Json } from '../contract/json.ts'

/** Frameworks give models text. What is JSON is told as that. */
export function toTold(result: unknown): Json {
  if (typeof result === 'string' && /^\s*[[{]/.test(result)) {
    try {
      return JSON.parse(result) as Json
    } catch {
      return result
    }
  }
  try {
    return toJsonForm(result).value
  } catch {
    // What a tool returned is for its framework, which may take what is no JSON.
    return String(result)
  }
}

/** The form that `toolLoop` gives a failure: pages know it by that. A type and not an interface, since it is told as JSON. */
type ToolFailure = { error: string }

export function isToolFailure(value: unknown): value is ToolFailure {
  const { error } = Object(value) as { error?: unknown }
  return typeof error === 'string' && Object.keys(Object(value)).length === 1
}

/** @param said what the framework tells the model of it */
export function toToolFailure(said: unknown): ToolFailure {
  const told = toTold(said)
  if (isToolFailure(told)) return told
  return { error: typeof told === 'string' ? told : JSON.stringify(told) }
}

/** How its message is stored. */
export const failureText = (said: unknown): string => JSON.stringify(toToolFailure(said))
