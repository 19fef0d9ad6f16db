// A connection that has to last: for LISTEN, or for a lock that shows who is there. It is made anew
// whenever it breaks, and looked at meanwhile, because a network that swallows everything breaks nothing.
import type pg from 'pg'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import { connectClient } from './client.ts'
import type { SessionPlan } from './client.ts'
import { sessionSettings } from './session-settings.ts'

const RECONNECT_MIN_MS = 50
/** Workers whose presence is not back in time after an outage lose their runs. */
const RECONNECT_MAX_MS = 1_000
const CONNECT_TIMEOUT_MS = 10_000
const HEARTBEAT_MS = 10_000
const ANSWER_TIMEOUT_MS = 10_000
/** How long closing may take when the connection is already broken. */
const CLOSE_TIMEOUT_MS = 1_000

interface PgSessionOptions {
  url: string
  applicationName: string
  /** As the log calls it: "the … connection". */
  name: string
  clock: Clock
  log: Logger
  /** On each new connection, before it counts. */
  prepare(connection: PgConnection): Promise<void>
  /** A connection was lost and another is there instead. */
  onReplaced?(): void
}

export interface PgConnection {
  readonly client: pg.Client
  /**
   * Whether a pooler stands between: then what a session has (LISTEN, its locks, its settings) may belong to
   * somebody else as soon as a transaction ends.
   */
  readonly isPooled: boolean
}

export interface PgSession {
  /** @returns the first connection. @throws when it can't be made. */
  start(): Promise<PgConnection>
  isConnected(): boolean
  stop(): Promise<void>
}

export function createPgSession(options: PgSessionOptions): PgSession {
  const { clock, log, name } = options
  const stopping = new AbortController()
  const plan: SessionPlan = { settings: sessionSettings() }
  let current: pg.Client | undefined
  let reconnecting: Promise<void> | undefined

  async function connect(): Promise<PgConnection> {
    const { client, isPooled } = await connectClient(
      {
        connectionString: options.url,
        application_name: options.applicationName,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        plan,
      },
      (error) => log.warn({ err: error }, `the ${name} connection broke`),
      stopping.signal,
    )
    try {
      const connection = { client, isPooled }
      await options.prepare(connection)
      current = client
      const ended = new AbortController()
      client.once('end', () => {
        ended.abort()
        current = undefined
        if (!stopping.signal.aborted) reconnecting = reconnect()
      })
      void keepAlive(client, ended.signal)
      return connection
    } catch (error) {
      await close(client)
      throw error
    }
  }

  async function reconnect(): Promise<void> {
    for (let delayMs = RECONNECT_MIN_MS; !stopping.signal.aborted; delayMs *= 2) {
      await clock.sleep(Math.min(delayMs, RECONNECT_MAX_MS) * (0.5 + Math.random() / 2), stopping.signal)
      if (stopping.signal.aborted) return
      try {
        await connect()
        if (!stopping.signal.aborted) options.onReplaced?.()
        return
      } catch (error) {
        log.warn({ err: error }, `the ${name} connection could not be made again; trying on`)
      }
    }
  }

  async function keepAlive(client: pg.Client, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await clock.sleep(HEARTBEAT_MS, ended)
      if (ended.aborted) return
      const answered = new AbortController()
      client.query('SELECT 1').then(
        () => answered.abort(),
        (error: unknown) => {
          log.debug({ err: error }, `the ${name} connection broke while it was looked at`)
          answered.abort()
        },
      )
      await clock.sleep(ANSWER_TIMEOUT_MS, AbortSignal.any([answered.signal, ended]))
      if (answered.signal.aborted || ended.aborted) continue
      log.warn({}, `the ${name} connection does not answer any more; making another`)
      client.connection.stream.destroy()
    }
  }

  async function close(client: pg.Client): Promise<void> {
    const closed = new AbortController()
    const ending = client
      .end()
      .catch((error: Error) => log.debug({ err: error }, `closing the ${name} connection`))
      .then(() => closed.abort())
    await Promise.race([ending, clock.sleep(CLOSE_TIMEOUT_MS, closed.signal)])
    if (!closed.signal.aborted) client.connection.stream.destroy()
  }

  return {
    start: connect,
    isConnected: () => current !== undefined,
    async stop() {
      stopping.abort()
      // A connection that is being made at this moment must end too.
      await reconnecting
      if (current !== undefined) await close(current)
    },
  }
}
