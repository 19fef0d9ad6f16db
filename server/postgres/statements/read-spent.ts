import type pg from 'pg'
import { NOTHING_SPENT, type Spent } from '../../ports/spent.ts'
import { execute } from '../connections/transaction.ts'

const amount = (field: string) =>
  `CASE WHEN jsonb_typeof(used -> '${field}') = 'number' THEN GREATEST(0, (used -> '${field}')::float8) ELSE 0 END`

const sum = (field: string) => `COALESCE(sum(${amount(field)}) FILTER (WHERE type <> 'tool.call'), 0)::float8`

const total = (field: string) => `${sum(field)} AS "${field}"`

/** SQL columns for the amounts used, from events joined with {@link USED}. */
export const SPENT = `
      ${total('inputTokens')}, ${total('outputTokens')}, ${total('cachedInputTokens')},
      CASE WHEN bool_or(type <> 'tool.call' AND used IS NOT NULL AND jsonb_typeof(used -> 'cost') IS DISTINCT FROM 'number') THEN NULL
        ELSE ${sum('cost')} END AS cost,
      (count(*) FILTER (WHERE type = 'tool.call') + ${sum('toolCalls')})::int AS "toolCalls"`

/** SQL that joins the amounts used to an event `e`. The event of a child's end has what the child used. */
export const USED = `
      CROSS JOIN LATERAL (SELECT CASE e.type WHEN 'child.ended' THEN NULLIF(e.payload -> 'usage', 'null') ELSE e.payload END AS used) AS u`

const READ_SPENT = {
  name: 'read_spent',
  text: `
    SELECT ${SPENT}
    FROM agent_runtime.event e ${USED}
    WHERE run_id = $1 AND attempt < $2 AND type IN ('usage', 'tool.call', 'child.ended')`,
}

/** All events are there: compaction and retention only touch runs that are over. */
export async function readSpent(pool: pg.Pool, runId: string, attempt: number): Promise<Spent> {
  const [row] = await execute<Omit<Spent, 'tokens'>>(pool, READ_SPENT, [runId, attempt])
  if (row === undefined) return NOTHING_SPENT
  return { ...row, tokens: row.inputTokens + row.outputTokens }
}
