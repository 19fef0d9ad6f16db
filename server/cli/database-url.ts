import { CliError } from './cli-error.ts'

/** @throws CliError when there is none. */
export function requireDatabaseUrl(): string {
  const url = process.env['DATABASE_URL']
  if (url) return url
  throw new CliError(
    'DATABASE_URL is not set: give it the connection URL of a PostgreSQL database, e.g. postgresql://user:password@host:5432/app.',
  )
}
