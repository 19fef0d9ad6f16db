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
  const parsed = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(value)
  if (parsed.success) return
  throw invalid(`The answer does not match what "${name}" waits for.`, parsed.error.issues, ['value'])
}
