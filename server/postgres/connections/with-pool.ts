import type pg from 'pg'
import type { Logger } from '../../ports/logger.ts'
import { createPostgresPool } from './pool.ts'

/** A pool for as long as `use` takes, for commands that ask a few things and end. */
export async function withPool<T>(
  databaseUrl: string,
  log: Pick<Logger, 'warn'>,
  use: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  // Statements are not prepared: each runs once, and not every pooler understands names.
  const options = { size: 2, connectTimeoutMs: 10_000, preparedStatements: false }
  const pool = createPostgresPool({ databaseUrl, log, ...options })
  try {
    return await use(pool)
  } finally {
    await pool.end()
  }
}
