import type { Db, PgBoss } from 'pg-boss'
import type { Json } from '../../contract/json.ts'
import type { Logger } from '../../ports/logger.ts'

/**
 * The queue of jobs that cannot be delivered. It cannot clash with an agent's queue, since agent keys have no slash.
 */
export const DEAD_LETTER_QUEUE = 'dead-letters/deliveries'

/** How long pg-boss keeps these jobs. Long, since they wait for a person. */
const MAX_WAITING_SECONDS = 365 * 86_400

/** A job that is not a delivery, as stored in the dead-letter queue. */
export interface DeadLetter {
  /** The queue that it came from. */
  queue: string
  reason: string
  payload: Json
}

export interface Undeliverable extends DeadLetter {
  id: string
}

export async function createDeadLetterQueue(boss: PgBoss): Promise<void> {
  await boss.createQueue(DEAD_LETTER_QUEUE, { policy: 'standard', retentionSeconds: MAX_WAITING_SECONDS })
}

/**
 * Moves jobs to the dead-letter queue in the transaction that took them, so that they are neither delivered again nor
 * lost.
 */
export async function setAside(
  boss: PgBoss,
  jobs: readonly Undeliverable[],
  { db, log }: { db: Db; log: Logger },
): Promise<void> {
  for (const [queue, group] of Map.groupBy(jobs, (job) => job.queue)) {
    await boss.insert(
      DEAD_LETTER_QUEUE,
      group.map(({ id, ...letter }) => ({ id, data: letter satisfies DeadLetter })),
      { db },
    )
    await boss.deleteJob(
      queue,
      group.map(({ id }) => id),
      { db },
    )
    for (const { id, reason, payload } of group) {
      log.error({ queue, id, reason, payload }, 'a job that is not a delivery is now a dead letter')
    }
  }
}
