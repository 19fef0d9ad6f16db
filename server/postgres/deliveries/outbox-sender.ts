// Sends entries of the outbox to their queue, and deletes those that have arrived.
import type pg from 'pg'
import { createGroupCommit } from '../../concurrency/group-commit.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { DueRun, QueuedRun, RemoteQueue, SentRun } from '../../ports/queue.ts'
import { confirmOutbox } from './outbox-statements.ts'
import type { QueueWatch } from './queue-watch.ts'

/** The most deliveries that are sent together. */
export const MAX_BATCH = 500
/** The most entries that a process is sending. The others wait for the next look at the outbox. */
const MAX_UNDER_WAY = 10_000
/**
 * Deliveries with a delay up to this are sent by the process that wrote them. A look at the outbox finds the others.
 */
const MAX_WATCHED_MS = 60_000

interface SenderPorts {
  pool: pg.Pool
  queue: Pick<RemoteQueue, 'deliver'>
  watch: Pick<QueueWatch, 'epochsOf'>
  clock: Clock
  log: Logger
  /** Called with runs that can be taken now. */
  onDelivered(runs: readonly QueuedRun[]): void
  /** Once it aborts, nothing more is sent. */
  stopping: AbortSignal
}

export interface OutboxSender {
  /** Sends an entry that was just written, when it is due. If that fails, a look at the outbox finds it. */
  sendInTime(run: QueuedRun): Promise<void>
  /** @returns the deliveries that have arrived in their queues */
  deliver(runs: readonly DueRun[]): Promise<SentRun[]>
  /** @returns how many entries were deleted in the same batch, this one included */
  confirm(run: SentRun): Promise<number>
}

export function createOutboxSender(ports: SenderPorts): OutboxSender {
  const { pool, queue, watch, clock, log, onDelivered, stopping } = ports
  let underWay = 0

  /** Read the epoch before sending. An epoch read after a loss would not show that the deliveries were lost. */
  async function deliver(runs: readonly DueRun[]): Promise<SentRun[]> {
    const epochs = await watch.epochsOf(new Set(runs.map(({ agentKey }) => agentKey)))
    const sent = await queue.deliver(
      runs.flatMap((run) => {
        const epoch = epochs.get(run.agentKey)
        return epoch === undefined ? [] : [{ ...run, epoch }]
      }),
    )
    onDelivered(sent)
    return sent
  }

  const send = createGroupCommit({
    maxBatch: MAX_BATCH,
    gather: 'tick',
    async flush(runs: readonly DueRun[]) {
      const sent = new Map((await deliver(runs)).map((run) => [nameOf(run), run]))
      return runs.map((run) => sent.get(nameOf(run)))
    },
  })

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
      const sent = await send(run)
      if (sent !== undefined) await confirm(sent)
    } catch (error) {
      log.debug({ err: error, runId: run.id }, 'a run could not be delivered yet; trying again later')
    } finally {
      underWay -= 1
    }
  }

  return {
    deliver,
    confirm,
    async sendInTime({ delayMs = 0, runAt = null, ...run }) {
      // With `runAt` the database's clock decides when it is due, so leave it to a look.
      if (runAt !== null || delayMs > MAX_WATCHED_MS) return
      if (delayMs > 0) await clock.sleep(delayMs, stopping)
      await sendNow({ lastSeq: 0, priority: 0, ...run })
    },
  }
}

const nameOf = ({ id, lastSeq, agentKey }: DueRun): string => `${id}-${lastSeq}-${agentKey}`
