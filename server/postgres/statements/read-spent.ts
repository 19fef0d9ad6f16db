import type pg from 'pg'
import { NOTHING_SPENT, type Spent } from '../../ports/attempt.ts'
import { execute } from '../connections/transaction.ts'

const amount = (field: string) =>
  `CASE WHEN jsonb_typeof(payload -> '${field}') = 'number' THEN GREATEST(0, (payload -> '${field}')::float8) ELSE 0 END`

const sum = (field: string) => `COALESCE(sum(${amount(field)}) FILTER (WHERE type = 'usage'), 0)::float8`

const total = (field: string) => `${sum(field)} AS "${field}"`

const READ_SPENT = {
  name: 'read_spent',
  text: `
    SELECT ${total('inputTokens')}, ${total('outputTokens')}, ${total('cachedInputTokens')},
      CASE WHEN bool_or(type = 'usage' AND jsonb_typeof(payload -> 'cost') IS DISTINCT FROM 'number') THEN NULL
        ELSE ${sum('cost')} END AS cost,
      count(*) FILTER (WHERE type = 'tool.call')::int AS "toolCalls"
    FROM agent_runtime.event WHERE run_id = $1 AND attempt < $2 AND type IN ('usage', 'tool.call')`,
}

/** Nothing is folded or deleted of a run that is not over. */
export async function readSpent(pool: pg.Pool, runId: string, attempt: number): Promise<Spent> {
  const [row] = await execute<Omit<Spent, 'tokens'>>(pool, READ_SPENT, [runId, attempt])
  if (row === undefined) return NOTHING_SPENT
  return { ...row, tokens: row.inputTokens + row.outputTokens }
}
