import { Command } from 'commander'
import { migrateDatabase } from '../postgres/migrations/migrate.ts'
import { toStartupError } from '../postgres/connections/database-error.ts'
import { requireDatabaseUrl } from './database-url.ts'

export function migrateCommand(): Command {
  return new Command('migrate')
    .description(
      'Bring the database to what this version needs. Safe to run many times, and from many at once.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ DATABASE_URL=postgresql://user:password@host:5432/app agent-runtime migrate

It works in two schemas of its own, agent_runtime and agent_runtime_queue, beside whatever the
database holds.

Environment:
  DATABASE_URL        PostgreSQL connection URL (needed)
  DIRECT_URL          PostgreSQL itself, where DATABASE_URL leads to a pooler: used instead
  DEBUG=1             shows where errors came from`,
    )
    .action(async () => {
      const databaseUrl = process.env['DIRECT_URL'] || requireDatabaseUrl()
      const applied = await migrate(databaseUrl, process.env['DIRECT_URL'] ? 'DIRECT_URL' : 'DATABASE_URL')
      process.stdout.write(
        applied.length === 0
          ? 'The database is up to date.\n'
          : applied.map((name) => `Applied ${name}\n`).join(''),
      )
    })
}

/** @throws StartupError that says what is wrong with the database. */
export async function migrate(
  databaseUrl: string,
  variable: 'DATABASE_URL' | 'DIRECT_URL' = 'DATABASE_URL',
): Promise<string[]> {
  try {
    return await migrateDatabase(databaseUrl, (whom) => process.stderr.write(`${whom}\n`))
  } catch (error) {
    throw toStartupError(error, databaseUrl, variable)
  }
}
