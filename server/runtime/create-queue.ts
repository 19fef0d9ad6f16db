import type { Config } from '../config/config.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { isolatedQueue } from '../ports/queue.ts'
import type { Queue, QueuedRun } from '../ports/queue.ts'
import type { createPostgresPool } from '../postgres/connections/pool.ts'
import type { Deliveries } from '../postgres/deliveries/deliveries.ts'
import { createJoinedDeliveries } from '../postgres/deliveries/joined-deliveries.ts'
import { runRedelivery } from '../postgres/deliveries/run-redelivery.ts'
import { createOutbox } from '../postgres/deliveries/outbox.ts'
import { readInstallation } from '../postgres/deliveries/installation.ts'
import { returnToPostgres } from '../postgres/deliveries/return-to-postgres.ts'
import { createBossQueue } from '../postgres/queue/queue.ts'
import { createRedisQueue } from '../redis/queue/queue.ts'

interface QueuePorts {
  pool: ReturnType<typeof createPostgresPool>
  clock: Clock
  log: Logger
  onDelivered(runs: readonly QueuedRun[]): void
  stopping: AbortSignal
}

interface QueueParts {
  queue: Queue
  deliveries: Deliveries
  /** Until the runtime stops, delivers again what was lost. */
  runRedelivery(agentKeys: readonly string[]): Promise<void>
}

/** The queue that the configuration names, and how the store's runs get there. */
export function createQueue(
  { queueBackend, redisUrl, redisCluster }: Config,
  { onDelivered, stopping, ...ports }: QueuePorts,
): QueueParts {
  const { pool, clock, log } = ports
  switch (queueBackend) {
    case 'postgres': {
      const queue = createBossQueue({ pool, log })
      return {
        queue: {
          ...queue,
          async start(agentKeys) {
            await queue.start(agentKeys)
            await returnToPostgres(pool, queue, { agentKeys, log })
          },
        },
        deliveries: createJoinedDeliveries(pool, queue, onDelivered),
        runRedelivery: async () => {},
      }
    }
    case 'redis': {
      const queue = createRedisQueue({
        redisUrl,
        isCluster: redisCluster,
        namespace: () => readInstallation(pool),
        log,
      })
      const outbox = createOutbox({ ...ports, queue, onDelivered, stopping })
      return {
        queue,
        deliveries: outbox,
        runRedelivery: (agentKeys) =>
          runRedelivery(
            { outbox, clock, log, random: Math.random },
            { queues: agentKeys.flatMap((key) => [key, isolatedQueue(key)]), signal: stopping },
          ),
      }
    }
  }
}
