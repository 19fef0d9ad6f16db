import { startEmbeddedPostgres } from '../../server/embedded-postgres/embedded-postgres.ts'
import type {
  EmbeddedPostgres,
  EmbeddedPostgresOptions,
} from '../../server/embedded-postgres/embedded-postgres.ts'
import { query } from './target-database.ts'

/** Starts PostgreSQL with pg_stat_statements. It starts twice, since the module is only loaded at a start. */
export async function startPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const unprepared = await startEmbeddedPostgres(options)
  try {
    await query(unprepared.url, `ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`)
    // Workloads with many workers need them.
    await query(unprepared.url, 'ALTER SYSTEM SET max_connections = 300')
  } finally {
    await unprepared.stop()
  }
  return startEmbeddedPostgres(options)
}
