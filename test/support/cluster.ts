import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../server/embedded-postgres/embedded-postgres.ts'
import type {
  EmbeddedPostgres,
  EmbeddedPostgresOptions,
} from '../../server/embedded-postgres/embedded-postgres.ts'
import { migrateDatabase } from '../../server/postgres/migrations/migrate.ts'
import { fastFolder } from './fast-folder.ts'

/** What a test needs to create databases. */
export interface ClusterAccess {
  /** The URL of the database `postgres`, as superuser. */
  adminUrl: string
  /** A migrated database that nobody can connect to, for `CREATE DATABASE … TEMPLATE`. */
  template: string
}

export interface TestCluster extends ClusterAccess {
  stop(): Promise<void>
}

/** Starts a PostgreSQL in a folder that is removed when it stops. */
export async function startTestCluster(
  start: (options: EmbeddedPostgresOptions) => Promise<EmbeddedPostgres> = startEmbeddedPostgres,
): Promise<TestCluster> {
  const dataDir = join(await fastFolder(), `agent-runtime-test-${randomUUID()}`)
  const remove = (): Promise<void> => rm(dataDir, { recursive: true, force: true })
  try {
    const postgres = await start({ dataDir, durable: false })
    const stop = async (): Promise<void> => {
      await postgres.stop('immediate')
      await remove()
    }
    try {
      return { ...(await prepareTemplate(postgres.url)), stop }
    } catch (error) {
      await stop()
      throw error
    }
  } catch (error) {
    await remove()
    throw error
  }
}

async function prepareTemplate(databaseUrl: string): Promise<ClusterAccess> {
  await migrateDatabase(databaseUrl)
  const template = new URL(databaseUrl).pathname.slice(1)
  const adminUrl = databaseUrl.replace(/[^/]+$/, 'postgres')
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    // A database with open connections cannot be copied.
    await client.query(`ALTER DATABASE ${template} ALLOW_CONNECTIONS false`)
  } finally {
    await client.end()
  }
  return { adminUrl, template }
}
