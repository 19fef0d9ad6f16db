// Takes runs from workers that are no more. What a worker that was only slow still writes is fenced: its
// runs are not `running` any more, or in another attempt.
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

// What the attempt said but for what a step of the run said that is stored: see AttemptMessages.
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

// A worker that was executing one run was probably ended by it: the run is charged a failure, and the times it was
// lost in company too. Of several, any may be the guilty one: none is charged, and each counts a loss, by which it
// gets a process of its own before long. A worker that hangs loses its runs one by one, as their leases run out: those
// that are left are told that they were in company. Where no worker can give it one, each further loss is charged.
// Losses are made good at once; a run that keeps failing waits longer each time. One that has used up its time
// needs no other attempt: its agent let nobody end it and blocked its worker.
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
