// Deliveries of a queue elsewhere, by a transactional outbox (https://microservices.io/patterns/data/transactional-outbox.html):
// they are written with what makes their runs ones to be taken up, sent when that has committed, and deleted when the
// queue has them. What a crash left behind, or the queue lost, is sent again. The time that a delivery has to wait, it
// waits here: by the clock of the database, and safe from whatever becomes of the queue.
import type pg from 'pg'
import { createGroupCommit } from '../../concurrency/group-commit.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { DueRun, QueuedRun, RemoteQueue } from '../../ports/queue.ts'
import { inTransaction } from '../connections/transaction.ts'
import type { Deliveries } from './deliveries.ts'
import { confirmOutbox, findInOutbox, noteEpochs, writeOutbox } from './outbox-statements.ts'

/** Deliveries that go to the queue at once. */
const MAX_BATCH = 500
/** What a process has under way is bounded: beyond it, entries wait for a look at the outbox. */
const MAX_UNDER_WAY = 10_000
/** For its time a delivery is watched by its process when that is near; all others are found by a look. */
const MAX_WATCHED_MS = 60_000

interface OutboxPorts {
  pool: pg.Pool
  queue: RemoteQueue
  clock: Clock
  log: Logger
  /** Told of runs that can be taken now. */
  onDelivered(runs: readonly QueuedRun[]): void
  /** Once it aborts nothing is sent any more. What is left is found by others. */
  stopping: AbortSignal
}

export interface Outbox extends Deliveries {
  /** Puts back what queues have lost, and sends what nobody sent in time. */
  look(queues: readonly string[]): Promise<void>
}

export function createOutbox({ pool, queue, clock, log, onDelivered, stopping }: OutboxPorts): Outbox {
  let underWay = 0

  const send = createGroupCommit({
    maxBatch: MAX_BATCH,
    gather: 'tick',
    async flush(runs: readonly DueRun[]) {
      await queue.deliver(runs)
      onDelivered(runs)
      return runs
    },
  })

  const confirm = createGroupCommit({
    maxBatch: MAX_BATCH,
    async flush(runs: readonly DueRun[]) {
      // After they are there: a queue that has lost them by now says so.
      const epochs = await queue.epochs([...new Set(runs.map(({ agentKey }) => agentKey))])
      const confirmed = await confirmOutbox(pool, runs, epochs)
      return runs.map(() => confirmed)
    },
  })

  async function sendNow(run: DueRun): Promise<void> {
    if (stopping.aborted || underWay >= MAX_UNDER_WAY) return
    underWay += 1
    try {
      await confirm(await send(run))
    } catch (error) {
      log.debug({ err: error, runId: run.id }, 'a run was not delivered; it will be')
    } finally {
      underWay -= 1
    }
  }

  async function sendInTime({ delayMs = 0, runAt = null, ...run }: QueuedRun): Promise<void> {
    // Until then by whose clock? The database's, which a look goes by.
    if (runAt !== null || delayMs > MAX_WATCHED_MS) return
    if (delayMs > 0) await clock.sleep(delayMs, stopping)
    await sendNow({ lastSeq: 0, priority: 0, ...run })
  }

  return {
    deliver: writeOutbox,
    committed(runs) {
      for (const run of runs) void sendInTime(run)
    },

    async taking({ agentKey, limit }, claim) {
      const { runIds, mayHaveMore, ...taken } = await queue.take(agentKey, limit)
      const delivered: QueuedRun[] = []
      try {
        const result = await inTransaction(pool, (client, tx) =>
          claim(
            { runIds, mayHaveMore, done: async () => {} },
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
        for (const run of delivered) void sendInTime(run)
        // Nobody waits for it: a delivery that is taken again finds its run in other hands.
        void taken.done()
        return result
      } catch (error) {
        await taken.giveBack()
        throw error
      }
    },

    async look(queues) {
      const { lost, runs } = await noteEpochs(pool, await queue.epochs(queues))
      if (runs > 0)
        log.warn({ queues: lost, runs }, 'a queue may have lost what it had: its runs are delivered again')
      while (!stopping.aborted) {
        const due = await findInOutbox(pool, MAX_BATCH)
        if (due.length === 0) return
        await queue.deliver(due)
        onDelivered(due)
        const [confirmed = 0] = await Promise.all(due.map(confirm))
        if (due.length < MAX_BATCH || confirmed === 0) return
      }
    },
  }
}
