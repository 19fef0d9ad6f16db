import type { Db, PgBoss } from 'pg-boss'
import type { Json } from '../../contract/json.ts'
import type { Logger } from '../../ports/logger.ts'

/** Where what can't be delivered goes. No agent has it for a queue: their keys have no slash. */
export const DEAD_LETTER_QUEUE = 'dead-letters/deliveries'

/** They wait for a person, and pg-boss keeps nothing for longer. */
const MAX_WAITING_SECONDS = 365 * 86_400

/** What became of a job that is none of ours, as it lies in the dead-letter queue. */
export interface DeadLetter {
  /** Where it came from. */
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

/** Sets jobs aside, in the transaction they were taken in, so that they neither come again and again nor vanish. */
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
      log.error({ queue, id, reason, payload }, 'a delivery that is not ours is now a dead letter')
    }
  }
}
