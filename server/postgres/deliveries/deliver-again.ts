import type pg from 'pg'
import type { QueuedRun } from '../../ports/queue.ts'
import { inTransaction } from '../connections/transaction.ts'
import { LOCK_UNDELIVERED } from '../examination/examine-runs.ts'
import type { JoinedQueue } from './joined-deliveries.ts'

/**
 * Delivers queued runs again that have no delivery. Repeating one is harmless, since a run is claimed once, however often
 * it is delivered.
 *
 * @returns how many.
 */
export async function deliverAgain(
  pool: pg.Pool,
  queue: Pick<JoinedQueue, 'deliver'>,
  lock = LOCK_UNDELIVERED,
): Promise<number> {
  for (let delivered = 0; ;) {
    const batch = await inTransaction(pool, async (client, tx) => {
      const { rows } = await client.query<QueuedRun & { runAt: Date | null }>(lock)
      const runs = rows.map((row) => ({ ...row, runAt: row.runAt?.toISOString() ?? null }))
      await queue.deliver(runs, tx)
      return runs.length
    })
    if (batch === 0) return delivered
    delivered += batch
  }
}
