import type pg from 'pg'
import { execute } from '../connections/transaction.ts'

// The id includes the database's own id, so a copy of a database counts as another installation.
const READ = {
  text: `
    SELECT left(md5(i.id::text || d.oid::text), 8) AS id
    FROM agent_runtime.installation i JOIN pg_database d ON d.datname = current_database()
    LIMIT 1`,
}

/** Reads the eight characters that identify this database. */
export async function readInstallation(pool: pg.Pool): Promise<string> {
  const [row] = await execute<{ id: string }>(pool, READ, [])
  return row?.id ?? ''
}
