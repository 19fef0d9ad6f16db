import { defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import type { CreateServer } from '../../../support/runtime.ts'

const echo = defineAgent({
  key: 'echo',
  run: async (ctx) => ({ output: ctx.messages.length, messages: [{ role: 'assistant', content: 'Hello!' }] }),
})

function authenticate({ headers }: Request): Principal {
  const kind = headers.get('x-kind') === 'anonymous' ? 'anonymous' : 'user'
  return { id: headers.get('x-user') ?? 'ada', tenantId: headers.get('x-tenant') ?? '', kind }
}
export const SERVER = { agents: [echo], authenticate, worker: false } as const

export const twoServers = (createServer: CreateServer) =>
  Promise.all([createServer(SERVER), createServer(SERVER)])

export const COUNTS = `SELECT (SELECT count(*)::int FROM agent_runtime.run) AS runs,
  (SELECT count(*)::int FROM agent_runtime.conversation) AS conversations`

export function statusesOf(answers: readonly { status: number }[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
