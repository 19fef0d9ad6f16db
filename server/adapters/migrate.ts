import { migrateQueue } from './boss-queue/migrate.ts'
import { applyMigrations } from './prisma-store/migrations.ts'

/**
 * Brings a database to what this version of the package needs: the store's tables, then the queue's.
 * Safe to call from many processes at once.
 *
 * @returns what was applied now, empty when the database was up to date.
 *
 * @example
 * const applied = await migrateDatabase(process.env.DATABASE_URL)
 */
export async function migrateDatabase(databaseUrl: string): Promise<string[]> {
  return [...(await applyMigrations(databaseUrl)), ...(await migrateQueue(databaseUrl))]
}
