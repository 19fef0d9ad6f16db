import { migrateQueue } from './migrate-queue.ts'
import { whileAlone } from './migration-lock.ts'
import { createPostgresPool } from '../connections/pool.ts'
import { applyMigrations } from './migrations.ts'
import { DATABASE_SCHEMA } from './migrations.ts'
import { sessionSettings } from '../connections/session-settings.ts'

/** No limits, since building an index may take long. Other sessions have limits of their own. */
const NO_LIMITS = { lockWaitMs: 0, statementMs: 0, idleInTransactionMs: 0 }

/**
 * Brings a database to the state that this version of the package needs: the store's tables, then the queue's. Safe to
 * call from many processes at once: they run one at a time.
 *
 * @param onWait called with a sentence that names the other process, when it has to wait for one
 * @returns what was applied now, empty when the database was up to date.
 *
 * @example
 * const applied = await migrateDatabase(process.env.DATABASE_URL)
 */
export async function migrateDatabase(
  databaseUrl: string,
  onWait: (whom: string) => void = () => {},
): Promise<string[]> {
  const settings = sessionSettings(NO_LIMITS, DATABASE_SCHEMA)
  return whileAlone({ databaseUrl, settings, onWait }, async () => {
    const pool = createPostgresPool({
      databaseUrl,
      settings,
      size: 2,
      connectTimeoutMs: 10_000,
      // Each statement runs once, so preparing it is useless.
      preparedStatements: false,
      // A connection error shows in the statement under way.
      log: { warn() {} },
    })
    try {
      return [...(await applyMigrations(pool)), ...(await migrateQueue(pool))]
    } finally {
      await pool.end()
    }
  })
}
