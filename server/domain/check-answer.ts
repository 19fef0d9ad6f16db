import { z } from 'zod'
import type { Json } from '../contract/json.ts'
import { invalid } from '../contract/parse-input.ts'
import type { PendingWait } from '../contract/wait.ts'

/**
 * Checks an answer against the JSON Schema that was stored with the wait. This process may not have the agent's own
 * schema.
 *
 * @throws AgentRuntimeError `validation_failed`
 */
export function checkAnswer({ name, schema }: PendingWait, value: Json): void {
  const parsed = read(schema)?.safeParse(value)
  if (parsed === undefined || parsed.success) return
  throw invalid(`The answer does not match the schema of the wait "${name}".`, parsed.error.issues, ['value'])
}

/**
 * Undefined for a schema that zod cannot read. The worker checks every answer against the agent's own schema anyway.
 */
function read(schema: Json): z.ZodType | undefined {
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
  } catch {
    return undefined
  }
}
