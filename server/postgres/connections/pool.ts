import pg from 'pg'
import type { Logger } from '../../ports/logger.ts'
import { examineSession, PlannedClient, withoutRefusal } from './client.ts'
import type { SessionPlan } from './client.ts'
import { sessionSettings } from './session-settings.ts'
import type { SessionSettings } from './session-settings.ts'

interface PoolOptions {
  databaseUrl: string
  /** The most connections of this process, not counting the one that listens. */
  size: number
  /** How long to wait for a connection, in milliseconds. */
  connectTimeoutMs: number
  /** Whether named statements are prepared. */
  preparedStatements: boolean
  /** The settings of the sessions. Default: those for requests and workers. */
  settings?: SessionSettings
  log: Pick<Logger, 'warn'>
}

/** Longer than the server's own limit on a statement. It helps when a network drops all packets. */
const QUERY_TIMEOUT_MS = 60_000

/** The only pool of a process. Store, queue and bus share it, so that one number limits their connections. */
export function createPostgresPool(options: PoolOptions): PostgresPool {
  const { databaseUrl, size, connectTimeoutMs, preparedStatements, log } = options
  const { settings = sessionSettings() } = options
  const pool = new RuntimePool(
    {
      connectionString: databaseUrl,
      max: size,
      application_name: 'agent-runtime',
      connectionTimeoutMillis: connectTimeoutMs,
      // Statements that do not depend on each other share a round trip.
      pipeline: true,
      query_timeout: settings['statement_timeout'] === '0' ? undefined : QUERY_TIMEOUT_MS,
      // An idle process must be able to exit.
      allowExitOnIdle: true,
    },
    { settings, preparedStatements, clients: new Set() },
  )
  // A broken idle connection is replaced at the next use. Without a listener its error would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection broke'))
  return pool
}

type Connected = (error: Error | undefined, client: pg.PoolClient | undefined, done: () => void) => void

export interface PostgresPool extends pg.Pool {
  /** Closes every connection at once, even with statements under way, and opens no more. */
  abandon(): void
}

class RuntimePool extends pg.Pool implements PostgresPool {
  readonly #plan: SessionPlan

  constructor(config: pg.PoolConfig, plan: SessionPlan) {
    const planned = {
      ...config,
      plan,
      Client: PlannedClient,
      onConnect: async (client: pg.ClientBase) => {
        if (plan.isPerTransaction === undefined) await examineSession(client as pg.Client, plan)
      },
    }
    super(planned as unknown as pg.PoolConfig)
    this.#plan = plan
  }

  abandon(): void {
    if (!this.ending) void this.end()
    for (const client of this.#plan.clients ?? []) client.connection.stream.destroy()
  }

  override connect(): Promise<pg.PoolClient>
  override connect(connected: Connected): void
  override connect(connected?: Connected): Promise<pg.PoolClient> | void {
    if (connected !== undefined) {
      return super.connect((error, client, done) => connected(error && asNoConnection(error), client, done))
    }
    return withoutRefusal(this.#plan, () => super.connect()).catch((error: unknown) => {
      throw asNoConnection(error)
    })
  }

  override query = ((...statement: unknown[]) => {
    if (this.#plan.isPerTransaction !== false) return this.#queryAccordingly(statement)
    return Reflect.apply(super.query, this, statement) as unknown
  }) as pg.Pool['query']

  async #queryAccordingly(statement: unknown[]): Promise<unknown> {
    // The first connection shows which kind of sessions these are.
    if (this.#plan.isPerTransaction === undefined) (await this.connect()).release()
    if (this.#plan.isPerTransaction === true) return this.#queryInTransaction(statement)
    return Reflect.apply(super.query, this, statement)
  }

  /** Runs a statement in its own transaction, in one round trip. */
  async #queryInTransaction(statement: unknown[]): Promise<unknown> {
    const client = await this.connect()
    let broken: Error | undefined
    const onConnectionLost = (error: Error) => {
      broken = error
    }
    client.on('error', onConnectionLost)
    const [began, answered, ended] = await Promise.allSettled([
      client.query('BEGIN'),
      Reflect.apply(client.query, client, statement) as Promise<unknown>,
      // After a failed statement the COMMIT rolls back.
      client.query('COMMIT'),
    ])
    client.off('error', onConnectionLost)
    client.release(broken)
    for (const outcome of [answered, began, ended]) if (outcome.status === 'rejected') throw outcome.reason
    return answered.status === 'fulfilled' ? answered.value : undefined
  }
}

/** Gives pg's timeout for a connection a `code`, since pg only has a text for it. */
function asNoConnection(error: unknown): Error {
  if (error instanceof Error && 'code' in error) return error
  const message =
    'there was no database connection in time: the pool is exhausted, or the database does not answer'
  return Object.assign(new Error(message, { cause: error }), { code: NO_CONNECTION })
}

/** PostgreSQL's code for a client that could not connect. */
const NO_CONNECTION = '08001'
