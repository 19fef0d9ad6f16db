// A connection that must last: for LISTEN, or for the lock that shows a worker's presence. It is opened again when it
// breaks. It is probed at intervals, because a network that drops all packets breaks no connection.
import type pg from 'pg'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import { connectClient } from './client.ts'
import type { SessionPlan } from './client.ts'
import { closeOrBreak, keepAnswering } from './session-connection.ts'
import { sessionSettings } from './session-settings.ts'

const RECONNECT_MIN_MS = 50
/**
 * The longest pause between attempts to connect. It must be short: a worker that stays absent after an outage loses its
 * runs.
 */
const RECONNECT_MAX_MS = 1_000
const CONNECT_TIMEOUT_MS = 10_000

interface PgSessionOptions {
  url: string
  applicationName: string
  /** The name in the log: "the … connection". */
  name: string
  clock: Clock
  log: Logger
  /** Called on each new connection, before it is used. */
  prepare(connection: PgConnection): Promise<void>
  /** Called when a lost connection has been replaced. */
  onReplaced?(): void
}

export interface PgConnection {
  readonly client: pg.Client
  /**
   * Whether there is a pooler in between. Then the session's LISTEN, locks and settings may pass to another client when
   * a transaction ends.
   */
  readonly isPooled: boolean
}

export interface PgSession {
  /** @returns the first connection. @throws when it cannot be opened. */
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
      void keepAnswering(client, ended.signal, { clock, log, name })
      return connection
    } catch (error) {
      await closeOrBreak(client, { clock, log, name })
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
        log.warn({ err: error }, `the ${name} connection could not be opened again; trying again`)
      }
    }
  }

  return {
    start: connect,
    isConnected: () => current !== undefined,
    async stop() {
      stopping.abort()
      // A connection that is being opened must end too.
      await reconnecting
      if (current !== undefined) await closeOrBreak(current, { clock, log, name })
    },
  }
}
