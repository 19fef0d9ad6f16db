// Deliveries of a queue elsewhere, by a transactional outbox (https://microservices.io/patterns/data/transactional-outbox.html):
// they are written in the transaction that queues their runs, sent after its commit, and deleted when the queue has them.
// An entry that a crash left behind, or that the queue lost, is sent again. A delivery for later waits here, by the
// database's clock, where nothing that happens to the queue can lose it.
import type pg from 'pg'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { QueuedRun, RemoteQueue } from '../../ports/queue.ts'
import { inTransaction } from '../connections/transaction.ts'
import type { Deliveries } from './deliveries.ts'
import { createOutboxSender, MAX_BATCH } from './outbox-sender.ts'
import { findInOutbox, postponeRuns, writeOutbox } from './outbox-statements.ts'
import { createQueueWatch } from './queue-watch.ts'

interface OutboxPorts {
  pool: pg.Pool
  queue: RemoteQueue
  clock: Clock
  log: Logger
  /** Called with runs that can be taken now. */
  onDelivered(runs: readonly QueuedRun[]): void
  /** Once it aborts, nothing is sent any more. Other processes find what is left. */
  stopping: AbortSignal
}

export interface Outbox extends Deliveries {
  /** Puts back what queues have lost, and sends what nobody sent in time. */
  look(queues: readonly string[]): Promise<void>
}

export function createOutbox(ports: OutboxPorts): Outbox {
  const { pool, queue, stopping } = ports
  const watch = createQueueWatch(ports)
  const sender = createOutboxSender({ ...ports, watch })

  return {
    deliver: writeOutbox,
    committed(runs) {
      for (const run of runs) void sender.sendInTime(run)
    },

    async taking({ agentKey, limit }, claim) {
      const { runIds, mayHaveMore, ...taken } = await queue.take(agentKey, limit)
      const delivered: QueuedRun[] = []
      try {
        const result = await inTransaction(pool, (client, tx) =>
          claim(
            {
              runIds,
              mayHaveMore,
              done: async () => {},
              postpone: (unclaimed) => postponeRuns(client, { agentKey, runIds: unclaimed }),
            },
            {
              client,
              tx,
              deliver(runs) {
                delivered.push(...runs)
                return writeOutbox(runs, tx)
              },
            },
          ),
        )
        for (const run of delivered) void sender.sendInTime(run)
        // Nobody waits for it. A delivery that is taken again finds that its run was claimed.
        void taken.done()
        return result
      } catch (error) {
        await taken.giveBack()
        throw error
      }
    },

    async look(queues) {
      await watch.look(queues)
      const looked = new Set(queues)
      const away = new Set<string>()
      while (!stopping.aborted) {
        const due = await findInOutbox(pool, MAX_BATCH, [...away])
        if (due.length === 0) return
        // Entries of agents that this process does not have. Without an epoch they would never be confirmed, and each look
        // would find them again, before all other entries.
        const others = new Set(due.map(({ agentKey }) => agentKey).filter((name) => !looked.has(name)))
        await watch.look([...others])
        for (const name of others) looked.add(name)
        const sent = await sender.deliver(due)
        const reached = new Set(sent.map(({ agentKey }) => agentKey))
        for (const { agentKey } of due) if (!reached.has(agentKey)) away.add(agentKey)
        const [confirmed = 0] = await Promise.all(sent.map(sender.confirm))
        if (due.length < MAX_BATCH || (sent.length > 0 && confirmed === 0)) return
      }
    },
  }
}
