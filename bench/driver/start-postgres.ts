import { startEmbeddedPostgres } from '../../server/embedded-postgres/embedded-postgres.ts'
import type {
  EmbeddedPostgres,
  EmbeddedPostgresOptions,
} from '../../server/embedded-postgres/embedded-postgres.ts'
import { query } from './target-database.ts'

/** PostgreSQL with pg_stat_statements, which it only loads as it starts: it is started twice. */
export async function startPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const unprepared = await startEmbeddedPostgres(options)
  try {
    await query(unprepared.url, `ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`)
    // For workloads with many workers.
    await query(unprepared.url, 'ALTER SYSTEM SET max_connections = 300')
  } finally {
    await unprepared.stop()
  }
  return startEmbeddedPostgres(options)
}
