import type pg from 'pg'
import type { Logger } from '../../ports/logger.ts'
import { isolatedQueue } from '../../ports/queue.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { LOCK_NOT_IN_POSTGRES } from '../examination/examine-runs.ts'
import { deliverAgain } from './deliver-again.ts'
import type { JoinedQueue } from './joined-deliveries.ts'

const WAS_ELSEWHERE = {
  text: `SELECT queue FROM agent_runtime.queue_epoch WHERE queue = ANY ($1::text[]) LIMIT 1`,
}

const FORGET_EPOCHS = { text: `DELETE FROM agent_runtime.queue_epoch WHERE queue = ANY ($1::text[])` }
const FORGET_OUTBOX = { text: `DELETE FROM agent_runtime.outbox WHERE queue = ANY ($1::text[])` }

/** Delivers all open runs to pg-boss, after their queue was in Redis for a time. */
export async function returnToPostgres(
  pool: pg.Pool,
  queue: Pick<JoinedQueue, 'deliver'>,
  { agentKeys, log }: { agentKeys: readonly string[]; log: Logger },
): Promise<void> {
  const queues = agentKeys.flatMap((key) => [key, isolatedQueue(key)])
  const elsewhere = await execute(pool, WAS_ELSEWHERE, [queues])
  if (elsewhere.length === 0) return
  const runs = await deliverAgain(pool, queue, LOCK_NOT_IN_POSTGRES)
  // Do this last: if the process dies before, everything is repeated.
  await inTransaction(pool, async (client) => {
    await execute(client, FORGET_OUTBOX, [queues])
    await execute(client, FORGET_EPOCHS, [queues])
  })
  log.info({ runs }, 'the queue is in PostgreSQL again: its runs were delivered there')
}
