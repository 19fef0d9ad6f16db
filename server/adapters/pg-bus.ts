// Hints over PostgreSQL's LISTEN/NOTIFY. One connection of its own listens; notifications are sent
// outside of transactions, because a commit that notifies takes a lock all such commits share.
import pg from 'pg'
import { z } from 'zod'
import type { Clock, EventBus, Hint, Logger } from '../ports.ts'

const CHANNEL = 'agent_runtime'
/** PostgreSQL takes payloads below 8,000 bytes. A hint is at most about 120. */
const HINTS_PER_NOTIFICATION = 60
const RECONNECT_MIN_MS = 50
const RECONNECT_MAX_MS = 5_000

const Payload = z.array(
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('events'), runId: z.string(), seq: z.number() }),
    z.object({ kind: z.literal('cancel'), runId: z.string() }),
    z.object({ kind: z.literal('queued'), agentKey: z.string() }),
  ]),
)

interface PgBusOptions {
  databaseUrl: string
  /** Sends; shared with the store. */
  pool: pg.Pool
  clock: Clock
  log: Logger
}

type Listener = Parameters<EventBus['subscribe']>[0]

export function createPgBus({ databaseUrl, pool, clock, log }: PgBusOptions): EventBus {
  const listeners = new Set<Listener>()
  const stopping = new AbortController()
  let connection: pg.Client | undefined
  let pending = new Map<string, Hint>()
  let sending: Promise<void> | undefined
  let reconnecting: Promise<void> | undefined

  async function listen(): Promise<void> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'agent-runtime listen',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    })
    // Before connect(): a connection that breaks at any time must find its listener.
    client.on('error', (error) => log.warn({ err: error }, 'the listening connection broke'))
    client.on('notification', ({ payload }) => receive(payload ?? ''))
    try {
      await client.connect()
      await client.query(`LISTEN ${CHANNEL}`)
    } catch (error) {
      await client
        .end()
        .catch((endError: Error) => log.debug({ err: endError }, 'closing a failed connection'))
      throw error
    }
    connection = client
    client.once('end', () => {
      if (!stopping.signal.aborted) reconnecting = reconnect()
    })
  }

  async function reconnect(): Promise<void> {
    for (let delayMs = RECONNECT_MIN_MS; !stopping.signal.aborted; delayMs *= 2) {
      await clock.sleep(Math.min(delayMs, RECONNECT_MAX_MS) * (0.5 + Math.random() / 2), stopping.signal)
      if (stopping.signal.aborted) return
      try {
        await listen()
        if (stopping.signal.aborted) return
        for (const listener of listeners) listener.onResync()
        return
      } catch (error) {
        log.warn({ err: error }, 'listening again failed; polling goes on meanwhile')
      }
    }
  }

  function receive(payload: string): void {
    const hints = Payload.safeParse(parseJson(payload))
    // Somebody else's notification, or a newer version's: the poll covers what it may have meant.
    if (!hints.success) return log.debug({ payload }, 'ignored a notification that is not ours')
    for (const hint of hints.data) for (const listener of listeners) listener.onHint(hint)
  }

  /** One statement at a time: what is published meanwhile goes with the next, one hint per run. */
  async function send(): Promise<void> {
    while (pending.size > 0) {
      const hints = [...pending.values()]
      pending = new Map()
      const payloads: string[] = []
      for (let start = 0; start < hints.length; start += HINTS_PER_NOTIFICATION) {
        payloads.push(JSON.stringify(hints.slice(start, start + HINTS_PER_NOTIFICATION)))
      }
      try {
        await pool.query({
          name: 'notify',
          text: `SELECT pg_notify('${CHANNEL}', payload) FROM unnest($1::text[]) AS payload`,
          values: [payloads],
        })
      } catch (error) {
        log.warn({ err: error }, 'a notification was not sent; polling covers it')
      }
    }
    sending = undefined
  }

  return {
    async start() {
      if (connection === undefined) await listen()
    },
    publish(hints) {
      for (const hint of hints) pending.set(keyOf(hint), hint)
      if (hints.length > 0 && !stopping.signal.aborted) sending ??= send()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      await sending
      stopping.abort()
      // It may be connecting at this moment, and that connection is to end too.
      await reconnecting
      await connection?.end()
    },
  }
}

function keyOf(hint: Hint): string {
  return hint.kind === 'queued' ? `queued ${hint.agentKey}` : `${hint.kind} ${hint.runId}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
