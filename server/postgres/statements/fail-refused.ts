import type pg from 'pg'
import type { Visibility } from '../../contract/event.ts'
import type { RunError } from '../../contract/run.ts'
import type { ChangedRun } from '../../ports/upkeep.ts'
import { execute } from '../connections/transaction.ts'

// The rolled-back claim released its lock, so the run may have been cancelled meanwhile.
// Only the columns that are used: PostgreSQL reads what is returned, and that may be what it can't read.
const FAIL = {
  text: `
    WITH refused AS (
      SELECT id FROM agent_runtime.run
      WHERE id = $1 AND status IN ('queued', 'waiting') AND turn IS NULL
      FOR NO KEY UPDATE
    ), r AS (
      UPDATE agent_runtime.run SET
        status = 'failed', error = $2::jsonb, finished_at = now(), last_seq = last_seq + 1, run_at = NULL
      WHERE id IN (SELECT id FROM refused)
      RETURNING id, agent_key, status, attempt, last_seq
    ), ended AS (
      INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
      SELECT id, last_seq, attempt, 'run.failed', $3::agent_runtime.visibility,
        jsonb_build_object('error', $2::jsonb -> 'message', 'code', $2::jsonb -> 'code'), now()
      FROM r
    ), unanswered AS (
      UPDATE agent_runtime.wait SET status = 'cancelled', settled_at = now()
      WHERE run_id IN (SELECT id FROM r) AND status = 'pending'
    )
    SELECT id, agent_key AS "agentKey", status, last_seq AS "lastSeq" FROM r`,
}

/** The reason goes only to the log: it may quote what others put into the database. */
const START_REFUSED: RunError = {
  message: 'The run could not be started: the database refused it.',
  code: 'start_refused',
}

/** Ends a run that no worker can claim. Empty when it can't be claimed any more for another reason. */
export function failRefused(
  client: pg.PoolClient,
  runId: string,
  failedVisibility: Visibility,
): Promise<ChangedRun[]> {
  return execute(client, FAIL, [runId, JSON.stringify(START_REFUSED), failedVisibility])
}
