import { join, relative } from 'node:path'
import { startEmbeddedPostgres } from '../../embedded-postgres/embedded-postgres.ts'
import { CliError } from '../cli-error.ts'
import type { Lifecycle } from '../lifecycle.ts'

export const embeddedFolder = (): string => join(process.cwd(), '.agent-runtime', 'postgres')

export interface DevDatabase {
  url: string
  /** Its name and address, without credentials. */
  name: string
}

/** The database of DATABASE_URL; without it, a PostgreSQL that runs until the end of the command. */
export async function startDevDatabase(
  lifecycle: Lifecycle,
  { ownerUrl, log }: { ownerUrl: string; log: (message: string) => void },
): Promise<DevDatabase> {
  const given = process.env['DATABASE_URL']
  if (given) return { url: given, name: `${withoutCredentials(given)} (DATABASE_URL)` }

  const folder = embeddedFolder()
  log('Starting PostgreSQL …')
  const postgres = await startEmbeddedPostgres({ dataDir: folder, ownerUrl, log, signal: lifecycle.signal })
  lifecycle.defer(() => postgres.stop())
  lifecycle.deferUrgent(() => postgres.stop('immediate'))
  void postgres.exited.then(() => {
    if (lifecycle.signal.aborted) return
    const logFile = relative(process.cwd(), postgres.logFile)
    lifecycle.fail(new CliError(`PostgreSQL stopped unexpectedly. Its log is ${logFile}.`))
  })
  process.env['DATABASE_URL'] = postgres.url
  const port = new URL(postgres.url).port
  return { url: postgres.url, name: `PostgreSQL on port ${port}, data in ${relative(process.cwd(), folder)}` }
}

function withoutCredentials(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return 'database'
  const { host, pathname } = new URL(databaseUrl)
  return host + pathname
}
