import type pg from 'pg'
import type { Logger } from '../../ports/logger.ts'
import { createPostgresPool } from './pool.ts'

/** For a command that asks a few things and ends: a pool for as long as `use` takes. */
export async function withPool<T>(
  databaseUrl: string,
  log: Pick<Logger, 'warn'>,
  use: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  // Each statement is asked once, so none needs a name, which not every pooler would understand.
  const options = { size: 2, connectTimeoutMs: 10_000, preparedStatements: false }
  const pool = createPostgresPool({ databaseUrl, log, ...options })
  try {
    return await use(pool)
  } finally {
    await pool.end()
  }
}
