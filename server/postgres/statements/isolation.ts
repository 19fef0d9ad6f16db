// Runs that must be executed in a process of their own.
import type pg from 'pg'
import { IS_SUSPECT } from '../../lifecycle/charges.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import { isolatedQueue } from '../../ports/queue.ts'
import type { DueRun } from '../../ports/queue.ts'
import type { Transaction } from '../connections/transaction.ts'
import { execute } from '../connections/transaction.ts'
import { IS_STARTABLE } from './startable.ts'

/** @param agentKeys a parameter: agents whose runs are all isolated; NULL for a worker that isolates none */
export const isToBeIsolated = (agentKeys: string): string =>
  `(${agentKeys}::text[] IS NOT NULL AND (${IS_SUSPECT} OR agent_key = ANY (${agentKeys}::text[])))`

const FIND = {
  name: 'find_isolated_runs',
  text: `
    SELECT id, agent_key AS "agentKey", priority, last_seq AS "lastSeq" FROM agent_runtime.run
    WHERE id = ANY ($1::uuid[]) AND ${IS_STARTABLE} AND ${isToBeIsolated('$2')}`,
}

/**
 * Delivers runs that must be isolated to queues from which only processes for a single run take.
 *
 * @returns how many were delivered
 */
export async function deliverIsolated(
  client: pg.PoolClient,
  { runIds, agentKeys }: { runIds: readonly string[]; agentKeys: readonly string[] },
  { deliver, tx }: { deliver: Deliver; tx: Transaction },
): Promise<number> {
  const runs = await execute<DueRun>(client, FIND, [runIds, agentKeys])
  if (runs.length > 0) {
    await deliver(
      runs.map((run) => ({ ...run, agentKey: isolatedQueue(run.agentKey) })),
      tx,
    )
  }
  return runs.length
}
