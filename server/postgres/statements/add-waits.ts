// Durable waits are added with the end of the attempt that waits. An answer or the next claim settles them.
import type pg from 'pg'
import { resumedSql } from '../../lifecycle/payloads.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { RunAppend } from '../../ports/attempt.ts'
import type { QueuedRun } from '../../ports/queue.ts'
import { toStorableJson } from '../../contract/storable-json.ts'
import { execute } from '../connections/transaction.ts'
import { insertChildren } from './insert-children.ts'
import { insertEventOf } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'

const { resumed } = TRANSITIONS

// Whether the wait now has another timeout than before, allowing for rounding: times are stored in milliseconds.
const HAS_OTHER_TIME = `COALESCE(
      abs(extract(epoch FROM (EXCLUDED.expires_at - EXCLUDED.created_at) - (wait.expires_at - wait.created_at))) > 0.002,
      (EXCLUDED.expires_at IS NULL) <> (wait.expires_at IS NULL))`

// An attempt that was resumed by another wait may add this wait again. Then the wait keeps its time. New code may ask
// for something else: from now on answers are checked against that. If the timeout differs, it begins anew.
const ADD = {
  name: 'add_waits',
  text: `
    INSERT INTO agent_runtime.wait (run_id, name, occurrence, kind, request, created_at, expires_at)
    SELECT run_id, name, occurrence, kind, request, now(), now() + timeout_ms * interval '1 millisecond'
    FROM unnest($1::uuid[], $2::text[], $3::int[], $4::agent_runtime.wait_kind[], $5::jsonb[], $6::float8[])
      AS a (run_id, name, occurrence, kind, request, timeout_ms)
    ON CONFLICT (run_id, name, occurrence) DO UPDATE SET
      kind = EXCLUDED.kind, request = EXCLUDED.request,
      created_at = CASE WHEN ${HAS_OTHER_TIME} THEN EXCLUDED.created_at ELSE wait.created_at END,
      expires_at = CASE WHEN ${HAS_OTHER_TIME} THEN EXCLUDED.expires_at ELSE wait.expires_at END
    WHERE wait.status = 'pending' AND wait.kind <> 'child' AND (
      wait.request IS DISTINCT FROM EXCLUDED.request OR wait.kind <> EXCLUDED.kind OR ${HAS_OTHER_TIME})
    RETURNING run_id AS "runId", name, occurrence`,
}

// An answer to this wait may have come while the attempt, which another wait resumed, was running. Then the run is
// queued at once. Its readers, who were told that it waits, are told that it was resumed.
const SUSPEND = {
  name: 'suspend_runs',
  text: `
    WITH asked AS (
      SELECT a.run_id, min(w.expires_at) AS due,
        (array_agg(w.name ORDER BY w.settled_at) FILTER (WHERE w.status <> 'pending'))[1] AS settled
      FROM unnest($1::uuid[], $2::text[], $3::int[]) AS a (run_id, name, occurrence)
      JOIN agent_runtime.wait w ON w.run_id = a.run_id AND w.name = a.name AND w.occurrence = a.occurrence
      GROUP BY a.run_id
    ), r AS (
      UPDATE agent_runtime.run r SET
        status = CASE WHEN settled IS NOT NULL THEN '${resumed.to}'::agent_runtime.run_status ELSE r.status END,
        run_at = CASE WHEN settled IS NOT NULL THEN now() ELSE due END,
        last_seq = r.last_seq + CASE WHEN settled IS NOT NULL THEN 1 ELSE 0 END
      FROM asked
      WHERE r.id = asked.run_id AND (settled IS NOT NULL OR due IS NOT NULL)
      RETURNING r.id, r.agent_key, r.priority, r.last_seq, r.attempt, r.run_at, settled
    ), told AS (
      ${insertEventOf(resumed, {
        visibility: '$4',
        payload: resumedSql('settled'),
        from: 'r WHERE settled IS NOT NULL',
      })}
    )
    SELECT id, agent_key AS "agentKey", priority, last_seq AS "lastSeq",
      CASE WHEN settled IS NULL THEN run_at END AS "runAt"
    FROM r`,
}

/** @returns the runs to deliver: new children, and the runs themselves for the time when their first wait ends */
export async function addWaits(
  client: pg.PoolClient,
  batch: readonly RunAppend[],
  visibilityOf: VisibilityOf,
): Promise<QueuedRun[]> {
  const asked = batch.flatMap(({ runId, ending }) =>
    ending?.status === 'waiting' ? ending.waits.map((wait) => ({ runId, ...wait })) : [],
  )
  if (asked.length === 0) return []
  const keys = [asked.map((a) => a.runId), asked.map((a) => a.name), asked.map((a) => a.occurrence)]
  const added = await execute<{ runId: string; name: string; occurrence: number }>(client, ADD, [
    ...keys,
    asked.map((a) => a.kind),
    asked.map(({ details, schema }) => toStorableJson({ details, schema })),
    asked.map((a) => a.timeoutMs),
  ])
  const isNew = new Set(added.map(({ runId, name, occurrence }) => `${runId}/${name}/${occurrence}`))
  // Create a child only with a new wait, so that a call has one child however often it is repeated.
  const children = await insertChildren(
    client,
    asked.flatMap(({ runId, name, occurrence, child }) =>
      child !== undefined && isNew.has(`${runId}/${name}/${occurrence}`) ? [{ parentId: runId, child }] : [],
    ),
  )
  const rows = await execute<QueuedRun & { runAt: Date | null }>(client, SUSPEND, [
    ...keys,
    visibilityOf(resumed.event),
  ])
  return [...children, ...rows.map((row) => ({ ...row, runAt: row.runAt?.toISOString() ?? null }))]
}
