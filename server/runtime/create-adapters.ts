// What a runtime stands on: PostgreSQL, and Redis where that is configured. Nothing connects before it is started or asked.
import type { Config } from '../config/config.ts'
import { createAnnounce } from '../events/announce.ts'
import type { Visibility } from '../contract/visibility.ts'
import type { RetryPolicy } from '../lifecycle/backoff.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { RunsAtOnce } from '../ports/runs-at-once.ts'
import { createFolderFiles } from '../folder/files.ts'
import { createPostgresPool } from '../postgres/connections/pool.ts'
import type { SessionSettings } from '../postgres/connections/session-settings.ts'
import { createPgFiles } from '../postgres/files.ts'
import { createPgPresence } from '../postgres/presence.ts'
import { createBossTimetable } from '../postgres/queue/timetable.ts'
import { createPostgresStore } from '../postgres/store.ts'
import { createBus } from './create-bus.ts'
import { createQueue } from './create-queue.ts'

interface AdapterPorts {
  visibilityOf(type: string): Visibility
  retryPolicy: RetryPolicy
  runsAtOnce: RunsAtOnce
  clock: Clock
  /** What sessions are set to. Default: as the runtime needs it. */
  sessionSettings?: SessionSettings | undefined
  log: Logger
  /** Once it aborts, nothing is delivered any more. */
  stopping: AbortSignal
}

/** The adapters that the configuration names. */
export function createAdapters(config: Config, ports: AdapterPorts) {
  const { visibilityOf, retryPolicy, runsAtOnce, clock, sessionSettings: settings, log, stopping } = ports
  const databaseUrl = config.databaseUrl ?? ''
  const pool = createPostgresPool({
    databaseUrl,
    size: config.databasePoolSize,
    connectTimeoutMs: config.databaseConnectTimeoutSeconds * 1000,
    preparedStatements: config.preparedStatements,
    ...(settings && { settings }),
    log,
  })
  const timetable = createBossTimetable({ pool, log })
  const presence = createPgPresence({ databaseUrl: config.directUrl ?? databaseUrl, clock, log })
  const bus = createBus(config, { pool, clock, log })
  const onDelivered = createAnnounce(bus, clock)
  const { queue, deliveries, runRedelivery } = createQueue(config, {
    pool,
    clock,
    log,
    onDelivered,
    stopping,
  })
  const store = createPostgresStore({ pool, visibilityOf, retryPolicy, runsAtOnce, deliveries })
  const files = config.filesFolder === undefined ? createPgFiles(pool) : createFolderFiles(config.filesFolder)
  return { pool, files, timetable, presence, bus, queue, runRedelivery, store }
}
