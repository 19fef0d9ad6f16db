import type pg from 'pg'
import { START_REFUSED } from '../../lifecycle/errors.ts'
import { failedSql } from '../../lifecycle/payloads.ts'
import { listOf } from '../../lifecycle/statuses.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { ChangedRun } from '../../ports/upkeep.ts'
import { execute } from '../connections/transaction.ts'
import { cancelWaits, setEnded } from './end-runs.ts'
import { MAY_START } from './gates.ts'
import { insertEventOf } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'
import { keepIncomplete } from './keep-incomplete.ts'

const { refused } = TRANSITIONS

// The rolled-back claim released its lock, so the run may have been cancelled meanwhile. RETURNING only lists the
// columns that are used: PostgreSQL reads what it returns, and another column may be the unreadable one.
const FAIL = {
  text: `
    WITH locked AS (
      SELECT id FROM agent_runtime.run
      WHERE id = $1 AND status IN ${listOf(refused.from)} AND ${MAY_START}
      FOR NO KEY UPDATE
    ), r AS (
      UPDATE agent_runtime.run SET
        error = $2::jsonb, ${setEnded(refused)}
      WHERE id IN (SELECT id FROM locked)
      RETURNING id, agent_key, status, attempt, last_seq
    ), told AS (
      ${insertEventOf(refused, { visibility: '$3', payload: failedSql('$2::jsonb') })}
    ), unanswered AS (
      ${cancelWaits('run_id IN (SELECT id FROM r)')}
    )
    SELECT id, agent_key AS "agentKey", status, last_seq AS "lastSeq" FROM r`,
}

/** Ends a run that the database refuses to claim. Empty when the run can no longer be claimed anyway. */
export async function failRefused(
  client: pg.PoolClient,
  runId: string,
  visibilityOf: VisibilityOf,
): Promise<ChangedRun[]> {
  const failed = await execute<ChangedRun>(client, FAIL, [
    runId,
    JSON.stringify(START_REFUSED),
    visibilityOf(refused.event),
  ])
  await keepIncomplete(
    client,
    failed.map(({ id }) => id),
  )
  return failed
}
