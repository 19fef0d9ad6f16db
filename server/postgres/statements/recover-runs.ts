// Takes runs from lost workers. If a worker was only slow, its later writes are fenced: its runs are no longer
// `running`, or are in another attempt.
import type pg from 'pg'
import { backoffSql } from '../../lifecycle/backoff.ts'
import type { RetryPolicy } from '../../lifecycle/backoff.ts'
import { failuresAloneSql, isUsedUpSql, LOSSES_IN_COMPANY } from '../../lifecycle/charges.ts'
import { timedOutSql, WORKER_LOST } from '../../lifecycle/errors.ts'
import { cancelledSql, failedSql, retryingSql, timedOutPayloadSql } from '../../lifecycle/payloads.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { QueuedRun } from '../../ports/queue.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import type { ChangedRun } from '../../ports/upkeep.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { cancelWaits } from './end-runs.ts'
import { insertNewest } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'
import { keepIncomplete } from './keep-incomplete.ts'

const { cancelled, failed, retried, timedOut } = TRANSITIONS

// The ids of the attempt's messages, except those of stored steps: see AttemptMessages.
const VOID_MESSAGES = `(
  SELECT COALESCE(jsonb_agg(said.id), '[]')
  FROM (
    SELECT DISTINCT e.payload -> 'messageId' AS id FROM agent_runtime.event e
    WHERE e.run_id = r.id AND e.attempt = r.attempt
      AND e.type IN ('assistant.delta', 'assistant.message', 'reasoning.delta', 'tool.input')
      AND jsonb_typeof(e.payload -> 'messageId') = 'string'
  ) said
  WHERE NOT EXISTS (SELECT FROM agent_runtime.step s WHERE s.run_id = r.id AND s.message_ids @> said.id))`

const PAYLOAD = `CASE r.status
          WHEN '${failed.to}' THEN ${failedSql('$2::jsonb')}
          WHEN '${timedOut.to}' THEN ${timedOutPayloadSql('r.error', 'r.timeout_ms')}
          WHEN '${cancelled.to}' THEN ${cancelledSql}
          WHEN '${retried.to}' THEN ${retryingSql({
            error: '$2::jsonb',
            delayMs: 'r.delay_ms',
            attempt: 'r.attempt',
            messageIds: VOID_MESSAGES,
          })}
        END`

// A worker that executed only one run was probably killed by it. So the run is charged a failure, plus its earlier
// losses. Of several runs, any may be the cause: none is charged, but each counts a loss, and after some losses it gets
// a process of its own. If no worker can give it one, each further loss is charged as a failure.
//
// A worker that hangs loses its runs one by one, as their leases run out. So the remaining runs are marked: they were
// in company. A run continues at once after a loss, and waits longer after each failure. A run whose time is up gets no
// further attempt: its agent blocked the worker, so that nobody could end it.
const RECOVER = {
  text: `
    WITH lost AS (
      SELECT id FROM agent_runtime.run
      WHERE status = 'running' AND (lease_expires_at < now() OR lease_owner = ANY ($1::text[]))
      ORDER BY id
      LIMIT 500
      FOR NO KEY UPDATE SKIP LOCKED
    ), company AS (
      SELECT lease_owner, count(*) AS runs FROM agent_runtime.run
      WHERE status = 'running'
        AND lease_owner IN (SELECT o.lease_owner FROM agent_runtime.run o JOIN lost ON lost.id = o.id)
      GROUP BY lease_owner
    ), left_behind AS (
      SELECT id FROM agent_runtime.run
      WHERE status = 'running' AND lease_owner IN (SELECT lease_owner FROM company WHERE runs > 1)
        AND id NOT IN (SELECT id FROM lost)
      FOR NO KEY UPDATE SKIP LOCKED
    ), noted AS (
      UPDATE agent_runtime.run SET in_company = true WHERE id IN (SELECT id FROM left_behind)
    ), charged AS (
      SELECT r.*,
        CASE
          WHEN COALESCE(c.runs, 1) = 1 AND NOT r.in_company THEN ${failuresAloneSql('r.losses')}
          WHEN r.losses >= ${LOSSES_IN_COMPANY} THEN 1
          ELSE 0
        END AS charge
      FROM agent_runtime.run r JOIN lost ON lost.id = r.id
        LEFT JOIN company c ON c.lease_owner = r.lease_owner
    ), verdict AS (
      SELECT id, charge,
        CASE
          WHEN cancel_requested_at IS NOT NULL THEN '${cancelled.to}'
          WHEN attempt_started_at + timeout_ms * interval '1 millisecond' < now() THEN '${timedOut.to}'
          WHEN charge > 0 AND ${isUsedUpSql('failures + charge', 'max_attempts')} THEN '${failed.to}'
          ELSE '${retried.to}'
        END AS status,
        CASE
          WHEN charge = 0 OR failures + charge = 1 THEN 0
          ELSE ${backoffSql('failures + charge - 1', { delayMs: '$6', maxDelayMs: '$7' })}
        END AS delay_ms
      FROM charged
    ), r AS (
      UPDATE agent_runtime.run r SET
        status = v.status::agent_runtime.run_status,
        failures = r.failures + v.charge, losses = r.losses + CASE v.charge WHEN 0 THEN 1 ELSE 0 END,
        last_seq = r.last_seq + 1,
        error = CASE v.status
          WHEN '${failed.to}' THEN $2::jsonb
          WHEN '${timedOut.to}' THEN ${timedOutSql('r.timeout_ms')}
          ELSE r.error
        END,
        finished_at = CASE WHEN v.status = '${retried.to}' THEN NULL ELSE now() END,
        run_at = CASE WHEN v.status = '${retried.to}' THEN now() + v.delay_ms * interval '1 millisecond' END,
        lease_owner = NULL, lease_expires_at = NULL
      FROM verdict v WHERE r.id = v.id
      RETURNING r.id, r.agent_key, r.status, r.attempt, r.priority, r.last_seq, r.timeout_ms, r.error, v.delay_ms
    ), unanswered AS (${cancelWaits(`run_id = ANY (ARRAY(SELECT id FROM r WHERE status <> '${retried.to}'))`)}
    ), told AS (
      ${insertNewest(
        { type: 't.type', visibility: 't.visibility', payload: PAYLOAD },
        `r JOIN unnest($3::agent_runtime.run_status[], $4::text[], $5::agent_runtime.visibility[])
          AS t (status, type, visibility) ON t.status = r.status`,
      )}
    )
    SELECT id, agent_key AS "agentKey", status, priority, last_seq AS "lastSeq", delay_ms AS "delayMs" FROM r`,
}

export async function recoverRuns(
  pool: pg.Pool,
  request: {
    workerIds: readonly string[]
    visibilityOf: VisibilityOf
    retryPolicy: RetryPolicy
  },
  deliver: Deliver,
): Promise<ChangedRun[]> {
  const { workerIds, visibilityOf, retryPolicy } = request
  const outcomes = [retried, failed, cancelled, timedOut]
  return inTransaction(pool, async (client, tx) => {
    const rows = await execute<ChangedRun & QueuedRun>(client, RECOVER, [
      workerIds,
      JSON.stringify(WORKER_LOST),
      outcomes.map(({ to }) => to),
      outcomes.map(({ event }) => event),
      outcomes.map(({ event }) => visibilityOf(event)),
      retryPolicy.delayMs,
      retryPolicy.maxDelayMs,
    ])
    const queued = rows.filter((row) => row.status === retried.to)
    if (queued.length > 0) await deliver(queued, tx)
    await keepIncomplete(
      client,
      rows.filter((row) => row.status !== retried.to).map(({ id }) => id),
    )
    return rows
  })
}
