import type pg from 'pg'
import { OPEN } from '../../lifecycle/statuses.ts'
import { execute } from '../connections/transaction.ts'
import { IS_TO_BE_DELIVERED } from './to-be-delivered.ts'

/** Agents with more waiting runs are not checked. Lost deliveries are noticed later, when fewer runs wait. */
export const MAX_COUNTED = 100
/** The most open runs of an agent that one check reads. */
const MAX_LOOKED_AT = 5_000

const FIND = {
  name: 'outbox_delivered',
  text: `
    SELECT agent_key AS "agentKey", r.id, r.last_seq AS "lastSeq"
    FROM unnest($1::text[]) AS agent (agent_key)
    CROSS JOIN unnest('{queued,waiting}'::agent_runtime.run_status[]) AS open (status)
    CROSS JOIN LATERAL (
      SELECT id, last_seq FROM (
        SELECT * FROM agent_runtime.run
        WHERE status = open.status AND status IN ${OPEN} AND agent_key = agent.agent_key
        ORDER BY id
        LIMIT ${MAX_LOOKED_AT}
      ) AS r
      WHERE ${IS_TO_BE_DELIVERED} AND (run_at IS NULL OR run_at <= now())
        AND NOT EXISTS (SELECT FROM agent_runtime.outbox o WHERE o.run_id = r.id)
      LIMIT ${MAX_COUNTED}
    ) AS r`,
}

/**
 * Finds the runs for which the queue should have a delivery, by agent: due runs that wait for a worker and have no
 * entry in the outbox. A run is named by its id and `lastSeq`, so it has a new name when it is delivered anew.
 */
export async function findDelivered(
  pool: pg.Pool,
  agentKeys: readonly string[],
): Promise<Map<string, Set<string>>> {
  const rows = await execute<{ agentKey: string; id: string; lastSeq: number }>(pool, FIND, [agentKeys])
  const byAgent = Map.groupBy(rows, ({ agentKey }) => agentKey)
  return new Map(
    [...byAgent].map(([agentKey, runs]) => [
      agentKey,
      new Set(runs.map(({ id, lastSeq }) => `${id}-${lastSeq}`)),
    ]),
  )
}
