import type pg from 'pg'
import { resumedSql } from '../../lifecycle/payloads.ts'
import { listOf } from '../../lifecycle/statuses.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { ChildOutcome } from '../../ports/family.ts'
import type { Owner } from '../../ports/owner.ts'
import type { ChangedRun } from '../../ports/upkeep.ts'
import { execute } from '../connections/transaction.ts'
import { insertEventOf, insertEvents } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'
import { SPENT, USED } from './read-spent.ts'

const { resumed } = TRANSITIONS

/** An SQL expression for each field of the outcome that the parent gets. */
const OUTCOME: Record<keyof ChildOutcome, string> = {
  runId: 'e.run_id',
  status: `COALESCE(c.status, 'cancelled')`,
  output: 'c.output',
  error: 'c.error',
  said: `(
          SELECT m.body FROM agent_runtime.message m
          WHERE m.run_id = c.id AND m.origin = 'output' AND m.body ->> 'role' = 'assistant'
          ORDER BY m.position DESC LIMIT 1)`,
  usage: 's.used',
}

const outcome = Object.entries(OUTCOME)
  .map(([field, value]) => `'${field}', ${value}`)
  .join(', ')

// A deleted child counts as cancelled. A waiting parent gets the events here; a running one writes them itself. Waits
// that are over do not change.
const RESUME = {
  name: 'family_resume',
  text: `
    WITH RECURSIVE e AS (
      SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[]) AS e (run_id, parent_run_id)
    ), tree AS (
      SELECT run_id AS root, run_id AS id FROM e
      UNION ALL
      SELECT t.root, c.id FROM tree t
      JOIN agent_runtime.run c ON c.parent_run_id = t.id AND NOT c.detached
    ), spent AS (
      SELECT root, to_jsonb(a) - 'root' AS used FROM (
        SELECT t.root, ${SPENT}
        FROM tree t
        JOIN agent_runtime.event e ON e.run_id = t.id AND e.type IN ('usage', 'tool.call') ${USED}
        GROUP BY t.root
      ) AS a
    ), settled AS (
      UPDATE agent_runtime.wait w SET
        status = 'answered', settled_at = now(), value = jsonb_build_object(${outcome})
      FROM e
      LEFT JOIN agent_runtime.run c ON c.id = e.run_id
      LEFT JOIN spent s ON s.root = e.run_id
      WHERE w.run_id = e.parent_run_id AND w.kind = 'child' AND w.status = 'pending'
        AND w.request #>> '{details,runId}' = e.run_id::text
      RETURNING w.run_id, w.name, w.value, w.request #>> '{details,agentKey}' AS agent_key
    ), ended AS (
      SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY name, value ->> 'runId')::int AS place FROM settled
    ), r AS (
      UPDATE agent_runtime.run r SET status = '${resumed.to}', run_at = now(), last_seq = last_seq + s.count + 1
      FROM (SELECT run_id, min(name) AS name, count(*)::int AS count FROM settled GROUP BY run_id) AS s
      WHERE r.id = s.run_id AND r.status IN ${listOf(resumed.from)}
      RETURNING r.*, s.name, s.count
    ), children AS (
      ${insertEvents(
        {
          run_id: 'r.id',
          seq: 'r.last_seq - 1 - r.count + ended.place',
          attempt: 'r.attempt',
          type: `'child.ended'`,
          visibility: '$4::agent_runtime.visibility',
          payload: `jsonb_build_object('childRunId', ended.value -> 'runId', 'agentKey', ended.agent_key,
            'status', ended.value -> 'status', 'error', ended.value -> 'error', 'usage', ended.value -> 'usage')`,
          ts: 'now()',
        },
        'ended JOIN r ON r.id = ended.run_id',
      )}
    ), told AS (
      ${insertEventOf(resumed, { visibility: '$3', payload: resumedSql('r.name') })}
    )
    SELECT id, agent_key AS "agentKey", status, priority, last_seq AS "lastSeq", NULL AS "runAt",
      jsonb_build_object('tenantId', tenant_id, 'id', owner_id, 'kind', owner_kind) AS owner
    FROM r`,
}

type Resumed = ChangedRun & { owner: Owner; priority: number; runAt: null }

/**
 * Gives parents (whose rows are locked) the outcomes of their children. @returns the parents that continue, to be
 * delivered
 */
export async function resumeParents(
  client: pg.PoolClient,
  over: readonly { runId: string; parentRunId: string | null }[],
  visibilityOf: VisibilityOf,
): Promise<Resumed[]> {
  const children = over.filter(({ parentRunId }) => parentRunId !== null)
  if (children.length === 0) return []
  return execute<Resumed>(client, RESUME, [
    children.map(({ runId }) => runId),
    children.map(({ parentRunId }) => parentRunId),
    visibilityOf(resumed.event),
    visibilityOf('child.ended'),
  ])
}
