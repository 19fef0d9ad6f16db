// The progress that a run has stored for its next attempt.
import type pg from 'pg'
import { execute } from '../connections/transaction.ts'

const HAS = {
  name: 'progress_has',
  text: `
    SELECT EXISTS (SELECT FROM agent_runtime.step WHERE run_id = $1)
      OR EXISTS (SELECT FROM agent_runtime.wait WHERE run_id = $1)
      OR EXISTS (SELECT FROM agent_runtime.checkpoint WHERE run_id = $1) AS has`,
}

export async function hasProgress(pool: pg.Pool, runId: string): Promise<boolean> {
  const [row] = await execute<{ has: boolean }>(pool, HAS, [runId])
  return row?.has === true
}

// Keeps the marks of steps that may be begun only once (`#begun`): an attempt that comes to such a step must see that
// it may have been done. Also keeps waits for children, since their runs exist. Sent messages are taken again.
const FORGET = {
  name: 'progress_forget',
  text: `
    WITH held AS (
      UPDATE agent_runtime.run SET agent_version = $3 WHERE id = $1 AND attempt = $2 AND status = 'running'
      RETURNING id
    ), steps AS (
      DELETE FROM agent_runtime.step s USING held WHERE s.run_id = held.id AND s.name NOT LIKE '%#begun'
      RETURNING s.message_ids
    ), waits AS (
      DELETE FROM agent_runtime.wait w USING held WHERE w.run_id = held.id AND w.kind <> 'child' RETURNING 1
    ), checkpoints AS (
      DELETE FROM agent_runtime.checkpoint c USING held WHERE c.run_id = held.id RETURNING 1
    ), sent AS (
      UPDATE agent_runtime.sent_message s SET is_stored = false FROM held WHERE s.run_id = held.id AND s.is_stored
    )
    SELECT
      (SELECT count(*) FROM steps) + (SELECT count(*) FROM waits) + (SELECT count(*) FROM checkpoints) > 0 AS had,
      (SELECT jsonb_agg(said.message_id) FROM steps
        CROSS JOIN jsonb_array_elements_text(steps.message_ids) AS said (message_id)) AS "messageIds"
    FROM held`,
}

export async function forgetProgress(
  pool: pg.Pool,
  run: { id: string; attempt: number },
  version: string,
): Promise<{ messageIds: string[] } | null | 'fenced'> {
  const [row] = await execute<{ had: boolean; messageIds: string[] | null }>(pool, FORGET, [
    run.id,
    run.attempt,
    version,
  ])
  if (row === undefined) return 'fenced'
  return row.had ? { messageIds: row.messageIds ?? [] } : null
}
