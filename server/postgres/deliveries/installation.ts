import type pg from 'pg'
import { execute } from '../connections/transaction.ts'

// Contains the database's own id, so that a copy of a database is another installation.
const READ = {
  text: `
    SELECT left(md5(i.id::text || d.oid::text), 8) AS id
    FROM agent_runtime.installation i JOIN pg_database d ON d.datname = current_database()
    LIMIT 1`,
}

/** Eight characters that tell this database from others. */
export async function readInstallation(pool: pg.Pool): Promise<string> {
  const [row] = await execute<{ id: string }>(pool, READ, [])
  return row?.id ?? ''
}
