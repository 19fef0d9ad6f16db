// Hints over PostgreSQL's LISTEN/NOTIFY. One connection only listens. Notifications are sent outside of transactions,
// because all commits that notify share one lock.
import type pg from 'pg'
import type { Clock } from '../ports/clock.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import { encodeBareHints, parseBareHints, toBareHint } from '../bus/hint-text.ts'
import { createListeners } from '../bus/listeners.ts'
import { createOutbox } from '../bus/outbox.ts'
import { createPgSession } from './connections/session.ts'
import type { PgConnection } from './connections/session.ts'
import { toStartupError } from './connections/database-error.ts'

const CHANNEL = 'agent_runtime'
/** PostgreSQL takes payloads below 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_999

interface PgBusOptions {
  databaseUrl: string
  /** The URL of PostgreSQL itself, if `databaseUrl` leads to a pooler. */
  directUrl?: string | undefined
  /** The pool for sending, shared with the store. */
  pool: pg.Pool
  clock: Clock
  log: Logger
}

export function createPgBus({ databaseUrl, directUrl, pool, clock, log }: PgBusOptions): EventBus {
  const listeners = createListeners(log)
  const session = createPgSession({
    url: directUrl ?? databaseUrl,
    applicationName: 'agent-runtime listen',
    name: 'listening',
    clock,
    log,
    prepare: listen,
    onReplaced: () => listeners.resync(),
  })
  let started: Promise<void> | undefined

  async function listen({ client, isPooled }: PgConnection): Promise<void> {
    if (isDeaf(isPooled)) return
    client.on('notification', ({ payload = '' }) => receive(payload))
    await client.query(`LISTEN ${CHANNEL}`)
  }

  /** A direct URL is trusted even if it leads to a pooler, which may be in session mode. */
  function isDeaf(isPooled: boolean): boolean {
    return isPooled && directUrl === undefined
  }

  async function start(): Promise<void> {
    try {
      const { isPooled } = await session.start()
      if (!isDeaf(isPooled)) return
      log.warn(
        {},
        'DATABASE_URL leads to a connection pooler, through which LISTEN does not work, so this process only polls. Set DIRECT_URL to the URL of PostgreSQL itself.',
      )
      await session.stop()
    } catch (error) {
      started = undefined
      throw directUrl === undefined ? error : toStartupError(error, directUrl, 'DIRECT_URL')
    }
  }

  function receive(payload: string): void {
    const hints = parseBareHints(payload)
    // Ignore a message that is foreign or of a newer version. Polling finds the changes that it told of.
    if (hints === undefined)
      return log.debug({ payload: payload.slice(0, 200) }, 'ignored an unknown notification')
    for (const hint of hints) if (hint !== undefined) listeners.tell(hint)
  }

  const outbox = createOutbox(clock, async (hints) => {
    try {
      await pool.query({
        name: 'notify',
        text: `SELECT pg_notify('${CHANNEL}', payload) FROM unnest($1::text[]) AS payload`,
        values: [encodeBareHints(hints, MAX_PAYLOAD_BYTES)],
      })
    } catch (error) {
      log.warn({ err: error }, 'a notification was not sent; polling covers it')
    }
  })

  return {
    start: () => (started ??= start()),
    get isListening() {
      return session.isConnected()
    },
    publish: (hints) => outbox.publish(hints.map(toBareHint)),
    subscribe: (listener) => listeners.add(listener),
    async stop() {
      await outbox.stop()
      await session.stop()
    },
  }
}
