import { createLocalBus } from '../bus/local-bus.ts'
import type { Config } from '../config/config.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import { createPgBus } from '../postgres/bus.ts'
import type { createPostgresPool } from '../postgres/connections/pool.ts'
import { createRedisBus } from '../redis/bus/bus.ts'

/** The bus that the configuration names. */
export function createBus(
  { eventBusBackend, redisUrl, redisCluster, databaseUrl = '', directUrl }: Config,
  ports: { pool: ReturnType<typeof createPostgresPool>; clock: Clock; log: Logger },
): EventBus {
  switch (eventBusBackend) {
    case 'postgres':
      return createPgBus({ databaseUrl, directUrl, ...ports })
    case 'redis':
      return createRedisBus({ redisUrl, isCluster: redisCluster, ...ports })
    case 'none':
      return createLocalBus(ports)
  }
}
