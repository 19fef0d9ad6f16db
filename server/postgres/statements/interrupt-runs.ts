import { cancelledSql } from '../../lifecycle/payloads.ts'
import { OPEN } from '../../lifecycle/statuses.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { Owner } from '../../ports/owner.ts'
import type { ChangedRun } from '../../ports/upkeep.ts'
import type { Statement } from '../connections/transaction.ts'
import { cancelWaits } from './end-runs.ts'
import { insertEventOf } from './insert-event.ts'

const { cancelled } = TRANSITIONS

export interface InterruptedRow extends ChangedRun {
  attempt: number
  owner: Owner
}

/**
 * Cancels the open runs that fulfil a condition with the parameter `$1`; `$2` is the visibility of the event. Runs
 * without a worker end here. For a running one the request is noted in its row and its worker ends it, since only its
 * attempt may write its events. `finished_at` uses GREATEST, because this transaction may have begun, and waited for a
 * lock, before the one that created the run.
 */
export const interruptRuns = (name: string, where: string): Statement => ({
  name,
  text: `
    WITH locked AS (
      SELECT id FROM agent_runtime.run
      WHERE ${where} AND status IN ${OPEN}
      ORDER BY id
      FOR NO KEY UPDATE
    ), r AS (
      UPDATE agent_runtime.run r SET
        cancel_requested_at = COALESCE(cancel_requested_at, now()),
        status = CASE WHEN status = 'running' THEN status ELSE '${cancelled.to}' END,
        finished_at = CASE WHEN status = 'running' THEN NULL ELSE GREATEST(now(), created_at) END,
        last_seq = CASE WHEN status = 'running' THEN last_seq ELSE last_seq + 1 END,
        run_at = NULL, turn = NULL
      FROM locked WHERE r.id = locked.id
      RETURNING r.*
    ), told AS (
      ${insertEventOf(cancelled, {
        visibility: '$2',
        payload: cancelledSql,
        from: `r WHERE r.status = '${cancelled.to}'`,
      })}
    ), unanswered AS (
      ${cancelWaits(`run_id IN (SELECT id FROM r WHERE status = '${cancelled.to}')`)}
    )
    SELECT id, agent_key AS "agentKey", status, last_seq AS "lastSeq", attempt,
      jsonb_build_object('tenantId', tenant_id, 'id', owner_id, 'kind', owner_kind) AS owner
    FROM r`,
})
