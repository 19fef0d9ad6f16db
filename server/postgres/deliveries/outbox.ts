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
import { confirmOutbox, findInOutbox, noteEpochs, postponeRuns, writeOutbox } from './outbox-statements.ts'
import type { SentRun } from './outbox-statements.ts'

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
  /** What the queues said last. */
  const epochs = new Map<string, string>()

  async function compareEpochs(queues: readonly string[]): Promise<void> {
    if (queues.length === 0) return
    const said = await queue.epochs(queues)
    const { lost, runs } = await noteEpochs(pool, said)
    for (const [name, epoch] of said) epochs.set(name, epoch)
    if (runs > 0)
      log.warn({ queues: lost, runs }, 'a queue may have lost what it had: its runs are delivered again')
  }

  /** With an epoch from before: asked for it after a loss, a queue would name one under which it never had them. */
  async function deliver(runs: readonly DueRun[]): Promise<SentRun[]> {
    const unknown = new Set(runs.map(({ agentKey }) => agentKey).filter((name) => !epochs.has(name)))
    if (unknown.size > 0)
      for (const [name, epoch] of await queue.epochs([...unknown])) epochs.set(name, epoch)
    const sent = runs.map((run) => ({ ...run, epoch: epochs.get(run.agentKey) ?? '' }))
    await queue.deliver(runs)
    onDelivered(runs)
    return sent
  }

  const send = createGroupCommit({ maxBatch: MAX_BATCH, gather: 'tick', flush: deliver })

  const confirm = createGroupCommit({
    maxBatch: MAX_BATCH,
    async flush(runs: readonly SentRun[]) {
      const confirmed = await confirmOutbox(pool, runs)
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
      await compareEpochs(queues)
      const compared = new Set(queues)
      while (!stopping.aborted) {
        const due = await findInOutbox(pool, MAX_BATCH)
        if (due.length === 0) return
        // Of agents that are not ours, and that maybe no process has any more. What nobody compares is never confirmed,
        // and would be found again and again, before all that comes after it.
        const others = new Set(due.map(({ agentKey }) => agentKey).filter((name) => !compared.has(name)))
        await compareEpochs([...others])
        for (const name of others) compared.add(name)
        const sent = await deliver(due)
        const [confirmed = 0] = await Promise.all(sent.map(confirm))
        if (due.length < MAX_BATCH || confirmed === 0) return
      }
    },
  }
}
