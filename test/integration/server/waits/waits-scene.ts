import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { AgentContext, Json } from '../../../../server/index.ts'

export const agentOf = (run: (ctx: AgentContext) => Promise<{ output: Json }>) =>
  defineAgent({ key: 'agent', output: z.json(), run })

export const ALL = 'events?include_all=1'
