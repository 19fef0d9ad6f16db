import type pg from 'pg'
import type { Spent } from '../../ports/attempt.ts'
import { execute } from '../connections/transaction.ts'

const amount = (field: string) =>
  `CASE WHEN jsonb_typeof(payload -> '${field}') = 'number' THEN GREATEST(0, (payload -> '${field}')::float8) ELSE 0 END`

const READ_SPENT = {
  name: 'read_spent',
  text: `
    SELECT
      COALESCE(sum(${amount('inputTokens')} + ${amount('outputTokens')}) FILTER (WHERE type = 'usage'), 0)::float8 AS tokens,
      count(*) FILTER (WHERE type = 'tool.call')::int AS "toolCalls"
    FROM agent_runtime.event WHERE run_id = $1 AND type IN ('usage', 'tool.call')`,
}

/** Nothing is folded or deleted of a run that is not over. */
export async function readSpent(pool: pg.Pool, runId: string): Promise<Spent> {
  const [row] = await execute<Spent & pg.QueryResultRow>(pool, READ_SPENT, [runId])
  return row ?? { tokens: 0, toolCalls: 0 }
}
