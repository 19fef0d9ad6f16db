import pg from 'pg'
import type { Logger } from '../ports/logger.ts'
import { StartupError } from '../startup-error.ts'

interface PoolOptions {
  databaseUrl: string
  /** Upper bound on this process's connections, without the one that listens. */
  size: number
  /** What waiting for a connection may take, in milliseconds. */
  connectTimeoutMs: number
  /** Whether statements that have a name are prepared under it. */
  preparedStatements: boolean
  log: Logger
}

const QUERY_TIMEOUT_MS = 60_000

/** The process's one pool: store, queue and bus share it, so that one number bounds their connections. */
export function createPostgresPool(options: PoolOptions): pg.Pool {
  const { databaseUrl, size, connectTimeoutMs, preparedStatements, log } = options
  const pool = new RuntimePool({
    connectionString: databaseUrl,
    max: size,
    application_name: 'agent-runtime',
    connectionTimeoutMillis: connectTimeoutMs,
    ...(!preparedStatements && { Client: UnnamedClient }),
    keepAlive: true,
    // Statements that do not need each other's answers share a round trip.
    pipeline: true,
    // A network that swallows everything is noticed by it; what is asked here takes no such time.
    query_timeout: QUERY_TIMEOUT_MS,
    // An idle process must be able to exit.
    allowExitOnIdle: true,
  })
  // An idle connection that breaks is replaced at the next use; unheard, its error would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection broke'))
  return pool
}

type Connected = (error: Error | undefined, client: pg.PoolClient | undefined, done: () => void) => void

/** Its errors tell by their `code` when no connection was to be had in time: pg says so in words alone. */
class RuntimePool extends pg.Pool {
  override connect(): Promise<pg.PoolClient>
  override connect(connected: Connected): void
  override connect(connected?: Connected): Promise<pg.PoolClient> | void {
    if (connected === undefined) {
      return super.connect().catch((error: unknown) => {
        throw asNoConnection(error)
      })
    }
    super.connect((error, client, done) => connected(error && asNoConnection(error), client, done))
  }
}

function asNoConnection(error: unknown): Error {
  if (error instanceof Error && 'code' in error) return error
  const message = 'no database connection was to be had in time: the pool is exhausted, or nothing answers'
  return Object.assign(new Error(message, { cause: error }), { code: NO_CONNECTION })
}

/** Of PostgreSQL's codes, the one for a client that could not connect. */
const NO_CONNECTION = '08001'

/** Sends statements without their names, for poolers that would not find them on the next connection. */
class UnnamedClient extends pg.Client {
  override query = ((statement: unknown, ...rest: unknown[]) =>
    Reflect.apply(super.query, this, [withoutName(statement), ...rest]) as unknown) as pg.Client['query']
}

function withoutName(statement: unknown): unknown {
  if (typeof statement !== 'object' || statement === null || !('name' in statement)) return statement
  return { ...statement, name: undefined }
}

/** What went wrong with a database, in one sentence a person can act on. */
export function toStartupError(
  error: unknown,
  databaseUrl: string,
  variable: 'DATABASE_URL' | 'DIRECT_URL' = 'DATABASE_URL',
): StartupError {
  return new StartupError(describe(error, hostOf(databaseUrl, variable), variable), { cause: error })
}

function describe(error: unknown, where: string, variable: string): string {
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
      return `No PostgreSQL answers at ${where}. Start it, or correct ${variable}.`
    case '3D000':
      return `The database ${where} does not exist. Create it, or correct ${variable}.`
    case '28P01':
    case '28000':
      return `PostgreSQL at ${where} refuses the user or password in ${variable}.`
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
function hostOf(databaseUrl: string, variable: string): string {
  if (!URL.canParse(databaseUrl)) return `(${variable} is not a URL)`
  const url = new URL(databaseUrl)
  return `${url.hostname}:${url.port || '5432'}${url.pathname}`
}
