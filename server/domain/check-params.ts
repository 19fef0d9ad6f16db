import { z } from 'zod'
import type { AnyAgent } from '../agent/agent.ts'
import type { Json } from '../contract/json.ts'
import { invalid } from '../contract/parse-input.ts'

/**
 * Checks the params and returns those to store. They are stored as given; the agent's defaults are filled in when it
 * runs.
 *
 * @throws AgentRuntimeError `validation_failed` when they do not match the agent's schema.
 */
export async function checkParams(agent: AnyAgent, params: Json | undefined): Promise<Json | null> {
  if (agent.params === undefined) return params ?? null
  const parsed = await z.safeParseAsync(agent.params, params ?? {})
  if (!parsed.success) {
    const sentence = `The params do not match the schema of agent "${agent.key}".`
    throw invalid(sentence, parsed.error.issues, ['params'])
  }
  return params ?? {}
}
