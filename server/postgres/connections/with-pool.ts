import type pg from 'pg'
import type { Logger } from '../../ports/logger.ts'
import { createPostgresPool } from './pool.ts'

/** Opens a pool while `use` runs, for commands that run a few statements and end. */
export async function withPool<T>(
  databaseUrl: string,
  log: Pick<Logger, 'warn'>,
  use: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  // Prepare no statements: each runs once, and not every pooler supports named ones.
  const options = { size: 2, connectTimeoutMs: 10_000, preparedStatements: false }
  const pool = createPostgresPool({ databaseUrl, log, ...options })
  try {
    return await use(pool)
  } finally {
    await pool.end()
  }
}
