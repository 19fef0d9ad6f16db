import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Authenticate } from '../../../../server/index.ts'
import type { Sql } from '../../../support/runtime.ts'

const digest = defineAgent({
  key: 'digest',
  params: z.object({ topic: z.string() }),
  run: async (ctx) => ({ output: { topic: ctx.params.topic, owner: ctx.principal.id } }),
})
export const plain = defineAgent({ key: 'plain', run: async () => ({ output: 'done' }) })
const authenticate: Authenticate = ({ headers }) => {
  const id = headers.get('x-user')
  return id === null ? null : { id, tenantId: 'acme', kind: 'user', claims: { isKnown: true } }
}
export const ADA = { 'x-user': 'ada' }
export const options = { agents: [digest, plain], authenticate } as const
export const asked = { agent_key: 'plain', every_seconds: 3_600 }
export const id = (body: Record<string, unknown>) => String(body['id'])
export const runsOf = (sql: Sql) =>
  sql<{ id: string; schedule: { id: string; at: string }; owner_id: string }>(
    `SELECT id, metadata -> 'schedule' AS schedule, owner_id FROM agent_runtime.run ORDER BY id`,
  )
