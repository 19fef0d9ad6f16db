import { z } from 'zod'

/** Schemas that have a name in the OpenAPI document: of request bodies, and of answers. */
export const REQUESTS = z.registry<{ id: string }>()
export const ANSWERS = z.registry<{ id: string }>()

export function requestSchema<T extends z.ZodType>(id: string, schema: T): T {
  REQUESTS.add(schema, { id })
  return schema
}

export function answerSchema<T extends z.ZodType>(id: string, schema: T): T {
  ANSWERS.add(schema, { id })
  return schema
}
