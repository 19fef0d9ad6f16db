import { createPgFiles } from '../../../../server/postgres/files.ts'
import { createTestDatabase } from '../../../support/database.ts'
import { createTestPool } from '../../../support/pool.ts'
import { testFiles } from './conformance.ts'

testFiles(async () => {
  const database = await createTestDatabase()
  const pools = [createTestPool(database.url), createTestPool(database.url)] as const
  return {
    files: createPgFiles(pools[0]),
    other: createPgFiles(pools[1]),
    async prepare(fileId) {
      await pools[0].query(
        `INSERT INTO agent_runtime.file (id, owner_id, media_type, size) VALUES ($1, 'ada', 'text/plain', 0)`,
        [fileId],
      )
    },
    async count() {
      const { rows } = await pools[0].query<{ n: number }>(
        'SELECT count(*)::int AS n FROM agent_runtime.file_chunk',
      )
      return rows[0]?.n ?? NaN
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((pool) => pool.end()))
      await database[Symbol.asyncDispose]()
    },
  }
})
