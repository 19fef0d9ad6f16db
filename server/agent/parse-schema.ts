import { z } from 'zod'
import type { Schema } from '../contract/schema.ts'

/**
 * What a schema makes of a value: at once, or a promise where refinements are asynchronous. (zod's own
 * `parse` begins those, too, only to throw and leave them alone.)
 *
 * @throws ZodError, or rejects with it.
 */
export function parseSchema(schema: Schema, value: unknown): unknown {
  const result = schema._zod.run({ value, issues: [] }, { async: true })
  if (result instanceof Promise) {
    return result.then((late) => (late.issues.length === 0 ? late.value : z.parseAsync(schema, value)))
  }
  return result.issues.length === 0 ? result.value : z.parse(schema, value)
}
