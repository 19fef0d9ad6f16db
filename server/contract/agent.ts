import { z } from 'zod'
import { JsonObject } from './json.ts'

/** An agent as it is told to whoever chooses one. */
export type AgentInfo = z.infer<typeof AgentInfo>
export const AgentInfo = z.object({
  key: z.string(),
  /** One sentence for people. Null where it has none. */
  description: z.string().nullable(),
  /** The JSON Schema of its params. Null where it takes any, and where its schema has no JSON form. */
  params: JsonObject.nullable(),
})
