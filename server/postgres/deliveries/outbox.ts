// Deliveries for a queue outside of the database, with a transactional outbox
// (https://microservices.io/patterns/data/transactional-outbox.html). An entry is written in the transaction that
// queues its run, sent after the commit, and deleted when the queue has it. It is sent again if a process crashes or
// the queue loses it. A delivery for later waits here, by the database's clock, so the queue cannot lose it.
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
  /** Once it aborts, nothing more is sent. Other processes find the remaining entries. */
  stopping: AbortSignal
}

export interface Outbox extends Deliveries {
  /** Puts back deliveries that queues have lost, and sends entries that nobody sent in time. */
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
        // Do not wait for this. If it fails, the delivery is taken again, and its run is found to be claimed.
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
        // Look at queues of agents that this process does not have, too. Without an epoch their entries would never be
        // confirmed, and every look would find them again, before all others.
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
