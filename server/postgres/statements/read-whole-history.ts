import type pg from 'pg'
import type { AgentMessage } from '../../contract/message.ts'
import { OPEN } from '../../lifecycle/statuses.ts'
import { execute } from '../connections/transaction.ts'
import { boundedHistory } from './bounded-history.ts'
import type { BoundedHistory } from './bounded-history.ts'

const READ = {
  name: 'read_whole_history',
  text: `
    SELECT ${boundedHistory('r', (run) => `${run}.status NOT IN ${OPEN}`)} AS history,
      (SELECT json_agg(m.body ORDER BY m.position) FROM agent_runtime.message m
        WHERE m.run_id = r.id AND m.origin = 'input') AS input
    FROM agent_runtime.run r WHERE r.id = $1`,
}

/** Empty when the run no longer exists. */
export async function readWholeHistory(pool: pg.Pool, runId: string): Promise<AgentMessage[]> {
  const [row] = await execute<{ history: string; input: AgentMessage[] | null }>(pool, READ, [runId])
  if (row === undefined) return []
  return [...(JSON.parse(row.history) as BoundedHistory).messages, ...(row.input ?? [])]
}
