import { z } from 'zod'
import { NonRetriableError } from '../../agent/non-retriable-error.ts'
import type { JsonObject } from '../../contract/json.ts'

/** @throws NonRetriableError for a schema that nothing can be checked by. */
export function readJsonSchema(what: string, schema: JsonObject): z.ZodType {
  try {
    return z.fromJSONSchema(schema)
  } catch (cause) {
    throw new NonRetriableError(`The schema of ${what} is no JSON Schema that can be checked here.`, {
      cause,
    })
  }
}
