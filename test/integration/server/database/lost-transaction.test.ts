import { expect } from 'vitest'
import { inTransaction } from '../../../../server/postgres/connections/transaction.ts'
import { createPostgresPool } from '../../../../server/postgres/connections/pool.ts'
import { isOutage } from '../../../../server/api/outage.ts'
import { test } from '../../../support/runtime.ts'

test('a session that ends between two statements of a transaction is an outage, answered with 503', async ({
  database,
}) => {
  const pool = createPostgresPool({
    databaseUrl: database.url,
    size: 1,
    connectTimeoutMs: 10_000,
    preparedStatements: true,
    log: { warn: () => {} },
  })
  const lost = inTransaction(pool, async (client) => {
    await client.query('SET LOCAL idle_in_transaction_session_timeout = 1')
    await new Promise((resolve) => client.once('end', resolve))
    await client.query('SELECT 1')
  })
  await expect(lost).rejects.toSatisfy((error) => isOutage(error))
  await expect(
    inTransaction(pool, async (client) => (await client.query('SELECT 1 AS one')).rows),
  ).resolves.toEqual([{ one: 1 }])
  await pool.end()
})
