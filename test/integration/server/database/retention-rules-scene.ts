import { v7 as uuidv7 } from 'uuid'
import type { Store } from '../../../../server/ports/store/store.ts'
import { createTestPool } from '../../../support/pool.ts'
import { test as base } from '../../../support/runtime.ts'
import type { Sql } from '../../../support/runtime.ts'
import { createTestStore } from '../../../support/store.ts'
import { storeSpokenRuns } from './spoken-runs.ts'

export const DAY_MS = 86_400_000

export const test = base.extend<{ store: Store; others: Store }>({
  store: async ({ database }, use) => {
    const pool = createTestPool(database.url)
    await use(createTestStore(pool))
    await database.release()
    await pool.end()
  },
  // The store of another process.
  others: async ({ database }, use) => {
    const pool = createTestPool(database.url)
    await use(createTestStore(pool))
    await pool.end()
  },
})

interface Old {
  tenantId?: string
  agentKey?: string
  daysAgo: number
  count?: number
  conversationId?: string
}

/** Runs that ended this long ago. */
export async function addRuns(
  sql: Sql,
  { tenantId = '', agentKey = 'plain', daysAgo, ...old }: Old,
): Promise<string[]> {
  const { count = 1, conversationId = null } = old
  const ids = Array.from({ length: count }, () => uuidv7())
  const event = { attempt: 1, visibility: 'user', ts: '2026-01-01T00:00:00.000Z' } as const
  const runs = ids.map((runId) => ({
    id: runId,
    status: 'succeeded' as const,
    attempts: 1,
    events: [
      { ...event, runId, seq: 1, type: 'run.started', payload: { agentKey } },
      { ...event, runId, seq: 2, type: 'run.succeeded', payload: { output: 'a' } },
    ],
  }))
  await storeSpokenRuns(sql, runs, Date.now() - daysAgo * DAY_MS)
  await sql(
    `UPDATE agent_runtime.run SET tenant_id = $2, agent_key = $3, conversation_id = $4 WHERE id = ANY ($1::uuid[])`,
    [ids, tenantId, agentKey, conversationId],
  )
  return ids
}

export const idsOf = async (sql: Sql, table: 'run' | 'conversation') =>
  (await sql<{ id: string }>(`SELECT id FROM agent_runtime.${table} ORDER BY id`)).map(({ id }) => id)
