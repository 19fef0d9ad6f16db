// Files through the runtime's own pool: directly, without prepared statements, and behind a pooler, where it
// sets each transaction's settings.
import { describe } from 'vitest'
import { createPgFiles } from '../../../../server/postgres/files.ts'
import { createPostgresPool } from '../../../../server/postgres/connections/pool.ts'
import { createTestDatabase } from '../../../support/database.ts'
import { startPgBouncer, withoutPgBouncer } from '../../../support/pgbouncer.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'
import { testFiles } from './conformance.ts'
import type { Keeper } from './conformance.ts'

async function createKeeper({ preparedStatements = true, isPooled = false }): Promise<Keeper> {
  await using started = new AsyncDisposableStack()
  const database = started.use(await createTestDatabase())
  const databaseUrl = isPooled ? started.use(await startPgBouncer(database.url)).url : database.url
  const log = createSilentLogger()
  const pools = ([1, 2] as const).map(() =>
    createPostgresPool({ databaseUrl, size: 4, connectTimeoutMs: 10_000, preparedStatements, log }),
  )
  started.defer(async () => void (await Promise.all(pools.map((pool) => pool.end()))))
  const [pool, other] = pools
  if (pool === undefined || other === undefined) throw new Error('There are two.')
  const running = started.move()
  return {
    files: createPgFiles(pool),
    other: createPgFiles(other),
    async prepare(fileId) {
      await pool.query(
        `INSERT INTO agent_runtime.file (id, owner_id, media_type, size) VALUES ($1, 'ada', 'text/plain', 0)`,
        [fileId],
      )
    },
    async count() {
      const { rows } = await pool.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM agent_runtime.file_chunk',
      )
      return rows[0]?.n ?? NaN
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

describe('through a pool of prepared statements', () => {
  testFiles(() => createKeeper({}))
})

describe('through a pool without them', () => {
  testFiles(() => createKeeper({ preparedStatements: false }))
})

describe.skipIf(withoutPgBouncer)('behind PgBouncer', () => {
  testFiles(() => createKeeper({ isPooled: true, preparedStatements: false }))
})
