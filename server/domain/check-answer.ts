import { z } from 'zod'
import type { Json } from '../contract/json.ts'
import { invalid } from '../contract/parse-input.ts'
import type { PendingWait } from '../contract/wait.ts'

/**
 * Checks an answer against the JSON Schema that was stored with the wait. The agent's own schema may not be in this
 * process.
 *
 * @throws AgentRuntimeError `validation_failed`
 */
export function checkAnswer({ name, schema }: PendingWait, value: Json): void {
  const parsed = read(schema)?.safeParse(value)
  if (parsed === undefined || parsed.success) return
  throw invalid(`The answer does not match what "${name}" waits for.`, parsed.error.issues, ['value'])
}

/** Undefined for a schema with words that zod can't read. The worker checks the answer by the agent's own schema in any case. */
function read(schema: Json): z.ZodType | undefined {
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
  } catch {
    return undefined
  }
}
