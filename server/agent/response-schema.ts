import { z } from 'zod'
import { toProblems } from '../contract/issues.ts'
import type { ResponseSchema } from '../ports/model.ts'

type Read = { success: true; data: unknown } | { success: false; problem: string }

interface ResponseForm {
  spec: ResponseSchema
  read(text: string): Promise<Read>
}

/**
 * What a model's answer has to be, as JSON Schema, and how the answer is read. Providers want an object, so what is none is put
 * into one.
 *
 * @throws TypeError when the schema can't be written as JSON Schema.
 */
export function toResponseSchema(schema: z.ZodType): ResponseForm {
  const written = toJsonSchema(schema)
  const isObject = written['type'] === 'object'
  const whole = isObject ? written : { type: 'object', properties: { value: written }, required: ['value'] }
  return {
    spec: { name: 'answer', schema: closed(whole) as Record<string, unknown> },
    async read(text) {
      const json = parse(text)
      if (json === undefined) return { success: false, problem: 'It is not JSON.' }
      const value = isObject ? json : valueOf(json)
      const parsed = await schema.safeParseAsync(value)
      if (parsed.success) return { success: true, data: parsed.data }
      return { success: false, problem: `${toProblems(parsed.error.issues).join('; ')}.` }
    },
  }
}

function toJsonSchema(schema: z.ZodType): Record<string, unknown> {
  try {
    const { $schema: _, ...written } = z.toJSONSchema(schema, { io: 'input' })
    return written
  } catch (cause) {
    throw new TypeError("The schema of an answer can't be written as JSON Schema.", { cause })
  }
}

/** Providers want it said of each object that it has no other keys. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const parts = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  return parts['type'] === 'object' && !('additionalProperties' in parts)
    ? { ...parts, additionalProperties: false }
    : parts
}

/** Models that are only told to answer in JSON put it between marks of code. */
function parse(text: string): unknown {
  const [, fenced] = /```(?:json)?\s*([\s\S]*?)```/.exec(text) ?? []
  for (const candidate of [text, fenced]) {
    try {
      if (candidate !== undefined) return JSON.parse(candidate) as unknown
    } catch {
      // The next may be.
    }
  }
  return undefined
}

function valueOf(json: unknown): unknown {
  return typeof json === 'object' && json !== null && 'value' in json ? json.value : json
}
