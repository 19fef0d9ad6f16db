import { z } from 'zod'
import { toProblems } from '../contract/issues.ts'
import type { Schema } from '../contract/schema.ts'
import type { ResponseSchema } from '../ports/model.ts'

type Read = { success: true; data: unknown } | { success: false; problem: string }

interface ResponseForm {
  spec: ResponseSchema
  read(text: string): Promise<Read>
}

/**
 * The JSON Schema of a model's answer, and a function that reads the answer. Providers want an object, so any other value is
 * put into one.
 *
 * @throws TypeError when the schema can't be written as JSON Schema.
 */
export function toResponseSchema(schema: Schema): ResponseForm {
  const written = toJsonSchema(schema)
  const isObject = written['type'] === 'object'
  const whole = isObject ? written : { type: 'object', properties: { value: written }, required: ['value'] }
  return {
    spec: { name: 'answer', schema: closed(whole) as Record<string, unknown> },
    async read(text) {
      const json = parse(text)
      if (json === undefined) return { success: false, problem: 'It is not JSON.' }
      const value = isObject ? json : valueOf(json)
      const parsed = await z.safeParseAsync(schema, value)
      if (parsed.success) return { success: true, data: parsed.data }
      return { success: false, problem: `${toProblems(parsed.error.issues).join('; ')}.` }
    },
  }
}

function toJsonSchema(schema: Schema): Record<string, unknown> {
  try {
    const { $schema: _, ...written } = z.toJSONSchema(schema, { io: 'input' })
    return written
  } catch (cause) {
    throw new TypeError("The schema of an answer can't be written as JSON Schema.", { cause })
  }
}

/** Providers want each object to say that it has no other keys. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const parts = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  return parts['type'] === 'object' && !('additionalProperties' in parts)
    ? { ...parts, additionalProperties: false }
    : parts
}

/** Finds JSON between code fences, where models put it that are only told to answer in JSON. */
function parse(text: string): unknown {
  const [, fenced] = /```(?:json)?\s*([\s\S]*?)```/.exec(text) ?? []
  for (const candidate of [text, fenced]) {
    try {
      if (candidate !== undefined) return JSON.parse(candidate) as unknown
    } catch {
      // The next one may be JSON.
    }
  }
  return undefined
}

function valueOf(json: unknown): unknown {
  return typeof json === 'object' && json !== null && 'value' in json ? json.value : json
}
