import type pg from 'pg'
import type { QueuedRun } from '../../ports/queue.ts'
import { inTransaction } from '../connections/transaction.ts'
import { LOCK_UNDELIVERED } from '../examination/examine-runs.ts'
import type { JoinedQueue } from './joined-deliveries.ts'

/**
 * Delivers runs again that have no delivery. A second delivery of a run is harmless, because the run is claimed only
 * once.
 *
 * @returns how many runs were delivered
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
