import { StartupError } from '../../ports/startup-error.ts'

interface Database {
  query(text: string): Promise<{ rows: { encoding: string; name: string }[] }>
}

/**
 * Refuses a database whose encoding is not UTF8, since it cannot hold every character.
 *
 * @throws StartupError when the database is not encoded in UTF8.
 */
export async function assertUtf8(database: Database): Promise<void> {
  const { rows } = await database.query(
    `SELECT current_setting('server_encoding') AS encoding, current_database() AS name`,
  )
  const { encoding = '', name = '' } = rows[0] ?? {}
  if (encoding === 'UTF8') return
  throw new StartupError(
    `The database ${name} is encoded in ${encoding}, which can't hold every character: make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.`,
  )
}
