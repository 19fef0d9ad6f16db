// Tells the waits of a run in the streams of the runs above it, unless it is detached from them.
import type pg from 'pg'
import { OPEN } from '../../lifecycle/statuses.ts'
import type { Owner } from '../../ports/owner.ts'
import type { ChangedRun } from '../../ports/upkeep.ts'
import { execute } from '../connections/transaction.ts'
import { insertEvents } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'
import { isoTime } from './iso-time.ts'

const LAST_TOLD = `COALESCE((
        SELECT x.payload -> 'waits' FROM agent_runtime.event x
        WHERE x.run_id = p.id AND x.type = 'child.waiting' AND x.payload ->> 'childRunId' = n.run_id::text
        ORDER BY x.seq DESC LIMIT 1), '[]')`

// An ended run is told nothing. The runs above it are told by further news, since their rows are not locked here.
// Only the attempt may write events of a running run, so here only waiting runs are told. A busy run is told by its
// worker when it waits, or after some seconds by upkeep if that worker died.
const SURFACE = {
  name: 'family_surface',
  text: `
    WITH n AS (
      SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[]) AS n (run_id, parent_run_id)
    ), found AS (
      SELECT n.run_id, p.id AS parent_id, p.status = 'waiting' AS is_writable, ${LAST_TOLD} AS before,
        CASE WHEN NOT p.detached THEN p.parent_run_id END AS above, COALESCE(c.agent_key, '') AS agent_key,
        c.parent_run_id AS of,
        COALESCE((
          SELECT jsonb_agg(jsonb_build_object('name', w.name, 'kind', w.kind, 'details', w.request -> 'details',
            'schema', w.request -> 'schema',
            'expiresAt', ${isoTime('w.expires_at')})
            || CASE WHEN w.occurrence > 1 THEN jsonb_build_object('occurrence', w.occurrence) ELSE '{}' END
            ORDER BY w.created_at, w.name, w.occurrence)
          FROM agent_runtime.wait w
          WHERE w.run_id = c.id AND c.status = 'waiting' AND w.status = 'pending' AND w.kind IN ('input', 'approval')), '[]') AS waits
      FROM n
      JOIN agent_runtime.run p ON p.id = n.parent_run_id AND p.status IN ${OPEN}
      LEFT JOIN agent_runtime.run c ON c.id = n.run_id
      WHERE c.detached IS NOT TRUE
    ), news AS (
      SELECT *, row_number() OVER (PARTITION BY parent_id ORDER BY run_id)::int AS place
      FROM found WHERE waits <> before AND is_writable
    ), r AS (
      UPDATE agent_runtime.run r SET last_seq = r.last_seq + c.count
      FROM (SELECT parent_id, count(*)::int AS count FROM news GROUP BY parent_id) AS c
      WHERE r.id = c.parent_id
      RETURNING r.*, c.count
    ), told AS (
      ${insertEvents(
        {
          run_id: 'r.id',
          seq: 'r.last_seq - r.count + n.place',
          attempt: 'r.attempt',
          type: `'child.waiting'`,
          visibility: '$3::agent_runtime.visibility',
          payload: `jsonb_build_object('childRunId', n.run_id, 'agentKey', n.agent_key, 'parentRunId', n.of, 'waits', n.waits)`,
          ts: 'now()',
        },
        'news n JOIN r ON r.id = n.parent_id',
      )}
    ), later AS (
      INSERT INTO agent_runtime.family_news (run_id, parent_run_id, kind, next_at)
      SELECT run_id, parent_id, 'waits', now() + interval '5 seconds' FROM found
      WHERE waits <> before AND NOT is_writable
      UNION ALL
      SELECT run_id, above, 'waits', now() FROM found WHERE waits <> before AND above IS NOT NULL
      UNION ALL
      SELECT n.run_id, p.parent_run_id, 'waits', now()
      FROM n
      JOIN agent_runtime.run p ON p.id = n.parent_run_id AND p.status NOT IN ${OPEN} AND NOT p.detached
      LEFT JOIN agent_runtime.run c ON c.id = n.run_id
      WHERE c.detached IS NOT TRUE
    )
    SELECT r.id, r.agent_key AS "agentKey", r.status, r.last_seq AS "lastSeq",
      jsonb_build_object('tenantId', r.tenant_id, 'id', r.owner_id, 'kind', r.owner_kind) AS owner,
      ARRAY(SELECT n.run_id::text FROM news n WHERE n.parent_id = r.id AND n.above IS NOT NULL) AS "aboutIds"
    FROM r`,
}

type Told = ChangedRun & { owner: Owner; aboutIds: string[] }

/**
 * @returns the runs that were told (their rows must be locked). Runs further above must still be told about `aboutIds`
 */
export async function surfaceWaits(
  client: pg.PoolClient,
  news: readonly { runId: string; parentRunId: string | null }[],
  visibilityOf: VisibilityOf,
): Promise<Told[]> {
  const children = news.filter(({ parentRunId }) => parentRunId !== null)
  if (children.length === 0) return []
  return execute<Told>(client, SURFACE, [
    children.map(({ runId }) => runId),
    children.map(({ parentRunId }) => parentRunId),
    visibilityOf('child.waiting'),
  ])
}
