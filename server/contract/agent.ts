import { z } from 'zod'
import { JsonObject } from './json.ts'

/** An agent as shown in the list of agents. */
export type AgentInfo = z.infer<typeof AgentInfo>
export const AgentInfo = z.object({
  key: z.string(),
  /** One sentence for people. Null if it has none. */
  description: z.string().nullable(),
  /**
   * The JSON Schema of its params. Null if it takes any JSON, or if its schema cannot be written as JSON
   * Schema.
   */
  params: JsonObject.nullable(),
})
