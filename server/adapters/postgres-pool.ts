import pg from 'pg'
import type { Logger } from '../ports.ts'
import { StartupError } from '../startup-error.ts'

interface PoolOptions {
  databaseUrl: string
  /** Upper bound on this process's connections, without the one that listens. */
  size: number
  log: Logger
}

/** The process's one pool: store, queue and bus share it, so that one number bounds their connections. */
export function createPostgresPool({ databaseUrl, size, log }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: size,
    application_name: 'agent-runtime',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    // An idle process must be able to exit.
    allowExitOnIdle: true,
  })
  // An idle connection that breaks is replaced at the next use; unheard, its error would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection broke'))
  return pool
}

/** What went wrong with a database, in one sentence a person can act on. */
export function toStartupError(error: unknown, databaseUrl: string): StartupError {
  return new StartupError(describe(error, databaseUrl), { cause: error })
}

function describe(error: unknown, databaseUrl: string): string {
  const where = hostOf(databaseUrl)
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
      return `No PostgreSQL answers at ${where}. Start it, or correct DATABASE_URL.`
    case '3D000':
      return `The database ${where} does not exist. Create it, or correct DATABASE_URL.`
    case '28P01':
    case '28000':
      return `PostgreSQL at ${where} refuses the user or password in DATABASE_URL.`
    case '42P01':
    case '3F000':
      return `The database ${where} has no agent_runtime tables yet. Run: agent-runtime migrate`
    case '57P03':
      return `PostgreSQL at ${where} is still starting up. Try again in a moment.`
    default:
      return `The database ${where} can't be used: ${error instanceof Error ? error.message : String(error)}`
  }
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** Host, port and database, without the credentials. */
function hostOf(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return '(DATABASE_URL is not a URL)'
  const url = new URL(databaseUrl)
  return `${url.hostname}:${url.port || '5432'}${url.pathname}`
}
