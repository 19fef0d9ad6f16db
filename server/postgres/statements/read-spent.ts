import type pg from 'pg'
import type { Spent } from '../../ports/attempt.ts'
import { execute } from '../connections/transaction.ts'

const amount = (field: string) =>
  `CASE WHEN jsonb_typeof(payload -> '${field}') = 'number' THEN GREATEST(0, (payload -> '${field}')::float8) ELSE 0 END`

const total = (field: string) =>
  `COALESCE(sum(${amount(field)}) FILTER (WHERE type = 'usage'), 0)::float8 AS "${field}"`

const READ_SPENT = {
  name: 'read_spent',
  text: `
    SELECT ${total('inputTokens')}, ${total('outputTokens')},
      count(*) FILTER (WHERE type = 'tool.call')::int AS "toolCalls"
    FROM agent_runtime.event WHERE run_id = $1 AND attempt < $2 AND type IN ('usage', 'tool.call')`,
}

/** Nothing is folded or deleted of a run that is not over. */
export async function readSpent(pool: pg.Pool, runId: string, attempt: number): Promise<Spent> {
  const [row] = await execute<Omit<Spent, 'tokens'>>(pool, READ_SPENT, [runId, attempt])
  const { inputTokens, outputTokens, toolCalls } = row ?? { inputTokens: 0, outputTokens: 0, toolCalls: 0 }
  return { inputTokens, outputTokens, tokens: inputTokens + outputTokens, toolCalls }
}
