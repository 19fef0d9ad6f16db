import { vi } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { PUBLIC_PRINCIPAL } from '../../../../server/contract/principal.ts'
import { test } from '../../../support/runtime.ts'

const RUNS = 800
const agent = defineAgent({ key: 'agent', run: async () => {} })
const TABLES = ['event', 'job_common', 'run']

test('of a new database PostgreSQL knows how much is in it, before its autovacuum comes', async ({
  createServer,
  database,
}) => {
  const { runtime } = await createServer({ agents: [agent] })
  const known = async () =>
    (
      await database.sql(
        `SELECT relname FROM pg_class WHERE relname = ANY ($1) AND relkind = 'r' AND reltuples > 0 ORDER BY relname`,
        [TABLES],
      )
    ).map(({ relname }) => relname)
  await Promise.all(
    Array.from({ length: RUNS }, () => runtime.runs.create(PUBLIC_PRINCIPAL, { agentKey: 'agent' })),
  )
  await vi.waitUntil(async () => (await known()).length === TABLES.length, { interval: 200 })
})
