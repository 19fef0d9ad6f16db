import { z } from 'zod'
import { JsonObject } from '../../../contract/json.ts'
import type { AgentInfo } from '../../../contract/agent.ts'
import type { Agents } from '../../../domain/agents.ts'
import { answerJson } from '../../answer.ts'
import { defineRoute, json } from '../route.ts'
import type { Route } from '../route.ts'
import { AGENT } from '../wire/examples.ts'
import { answerSchema } from '../wire/named.ts'

const RestAgent = answerSchema(
  'Agent',
  z.object({
    key: z.string(),
    description: z.string(),
    /** The JSON Schema of `params`. */
    params: JsonObject.nullable(),
    /** The key, under the names that clients of the Python system expect. */
    id: z.string(),
    slug: z.string(),
    name: z.string(),
  }),
)

const RestAgents = answerSchema('Agents', z.array(RestAgent))

export function agentRoutes(agents: Agents): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/agents/',
      operationId: 'listAgents',
      procedure: 'agents.list',
      summary: 'The agents that the caller may see',
      answers: { 200: { description: 'By key', content: json(RestAgents, [AGENT]) } },
      handle: async ({ principal }) => answerJson((await agents.list(principal)).map(toRestAgent)),
    }),
  ]
}

function toRestAgent({ key, description, params }: AgentInfo): z.input<typeof RestAgent> {
  return { key, description: description ?? '', params, id: key, slug: key, name: key }
}
