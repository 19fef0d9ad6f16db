// Connections with the session settings that the runtime needs. They are sent when a connection starts, where they
// override those of database, role and URL. A pooler refuses or forgets them. So behind a pooler every transaction sets
// them, in the message that begins it.
import pg from 'pg'
import { beginWith, KEEP_ALIVE_DELAY_MS, NETWORK_SETTINGS } from './session-settings.ts'
import type { SessionSettings } from './session-settings.ts'

/** What the connections of one URL share. The first connection shows how their settings must be set. */
export interface SessionPlan {
  readonly settings: SessionSettings
  /** Whether each transaction sets the settings. Undefined until there was a connection. */
  isPerTransaction?: boolean
  /** Whether named statements are prepared. Default: true. */
  readonly preparedStatements?: boolean
  /** All connections, including those being opened. */
  readonly clients?: Set<pg.Client>
}

export interface PlannedConfig extends pg.ClientConfig {
  plan: SessionPlan
}

/** Members of pg's client that its types leave out. */
interface Startup {
  getStartupConf(): Record<string, string>
}
const { getStartupConf } = pg.Client.prototype as unknown as Startup

export class PlannedClient extends pg.Client {
  readonly #plan: SessionPlan
  #isGathering = false

  constructor(config: PlannedConfig) {
    super({ keepAlive: true, keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS, ...config })
    this.#plan = config.plan
    this.#plan.clients?.add(this)
    this.once('end', () => this.#plan.clients?.delete(this))
  }

  /** If pg stops calling this, {@link examineSession} notices, and transactions set the settings. */
  getStartupConf(): Record<string, string> {
    const given = getStartupConf.call(this)
    return this.#plan.isPerTransaction === true
      ? given
      : { ...given, ...this.#plan.settings, ...NETWORK_SETTINGS }
  }

  override query = ((statement: unknown, ...rest: unknown[]) => {
    this.#gather()
    return Reflect.apply(super.query, this, [this.#adapted(statement), ...rest]) as unknown
  }) as pg.Client['query']

  /**
   * Sends statements of the same moment in one write, since each write is a system call and wakes PostgreSQL's process.
   */
  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    const { stream } = this.connection
    stream.cork()
    process.nextTick(() => {
      this.#isGathering = false
      stream.uncork()
    })
  }

  #adapted(statement: unknown): unknown {
    // On a direct connection there is nothing to adapt, so do not copy the statement.
    if (this.#plan.isPerTransaction !== true && this.#plan.preparedStatements !== false) return statement
    if (typeof statement === 'string') return this.#withSettings(statement)
    if (!isConfig(statement)) return statement
    const text = this.#withSettings(statement.text)
    return this.#plan.preparedStatements === false
      ? { ...statement, text, name: undefined }
      : { ...statement, text }
  }

  #withSettings(text: string): string {
    return this.#plan.isPerTransaction === true
      ? text.replace(/^\s*BEGIN\b/, () => beginWith(this.#plan.settings))
      : text
  }
}

function isConfig(statement: unknown): statement is pg.QueryConfig {
  // A query that was made already has no name, and begins no transaction.
  return (
    typeof statement === 'object' &&
    statement !== null &&
    'text' in statement &&
    !(statement instanceof pg.Query)
  )
}

const EXAMINE = `
  SELECT pg_backend_pid() AS pid, count(*)::int AS held
  FROM pg_settings s JOIN unnest($1::text[], $2::text[]) AS w (name, value)
    ON s.name = w.name AND s.setting = w.value`

/**
 * Finds out what kind of connection this is, and updates the plan.
 *
 * @returns whether there is a pooler in between, which shows by a wrong process id: poolers invent one for their
 * clients
 */
export async function examineSession(client: pg.Client, plan: SessionPlan): Promise<{ isPooled: boolean }> {
  const { settings } = plan
  const { rows } = await client.query<{ pid: number; held: number }>(EXAMINE, [
    Object.keys(settings),
    Object.values(settings),
  ])
  const isPooled = rows[0]?.pid !== (client as pg.Client & { processID: number | null }).processID
  plan.isPerTransaction = isPooled || rows[0]?.held !== Object.keys(settings).length
  return { isPooled }
}

/** Error codes for an unknown or unsupported parameter, of PgBouncer, PostgreSQL and compatible servers. */
const REFUSALS = new Set(['08P01', '42704', '0A000'])

/** Calls `connect`. If the settings are refused, calls it again without them. */
export async function withoutRefusal<T>(plan: SessionPlan, connect: () => Promise<T>): Promise<T> {
  const hadSettings = plan.isPerTransaction !== true
  try {
    return await connect()
  } catch (error) {
    const isRefusal = error instanceof pg.DatabaseError && REFUSALS.has(error.code ?? '')
    if (!hadSettings || !isRefusal) throw error
    plan.isPerTransaction = true
    return connect()
  }
}

/**
 * @param onError called when the connection breaks, at any time; without a listener the error would end the process
 * @param signal makes it give up connecting
 */
export function connectClient(
  config: PlannedConfig,
  onError: (error: Error) => void,
  signal?: AbortSignal,
): Promise<{ client: pg.Client; isPooled: boolean }> {
  return withoutRefusal(config.plan, async () => {
    const client = new PlannedClient(config)
    client.on('error', onError)
    const giveUp = () => client.connection.stream.destroy()
    signal?.addEventListener('abort', giveUp)
    try {
      await client.connect()
      return { client, ...(await examineSession(client, config.plan)) }
    } catch (error) {
      await client.end().catch(onError)
      throw error
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  })
}
