import type pg from 'pg'
import type { Json } from '../../contract/json.ts'
import type { PendingWait, WaitKind } from '../../contract/wait.ts'
import { OPEN } from '../../lifecycle/statuses.ts'
import type { KnownWait } from '../../ports/attempt.ts'
import type { Reach } from '../../ports/owner.ts'
import type { PendingWaits } from '../../ports/store/wait-store.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { SUMMARY_COLUMNS, toSummary } from '../rows/run-row.ts'
import type { SummaryRow } from '../rows/run-row.ts'
import { execute } from '../connections/transaction.ts'

const READ_SETTLED = {
  name: 'read_settled_waits',
  text: `
    SELECT name, occurrence, status, value, responded_by AS "respondedBy",
      CASE WHEN kind = 'child' THEN request #>> '{details,runId}' END AS "childId",
      CASE WHEN kind = 'child' THEN request ->> 'onEnd' END AS "onEnd"
    FROM agent_runtime.wait
    WHERE run_id = $1 AND (
      status IN ('answered', 'timed_out') AND used_at IS NOT NULL
      OR kind = 'child' AND status IN ('pending', 'answered'))`,
}

export async function readSettledWaits(pool: pg.Pool, runId: string): Promise<KnownWait[]> {
  return execute<KnownWait>(pool, READ_SETTLED, [runId])
}

// Reads the waits of the run, then those of the runs below for which it waits.
const READ_PENDING = forEachScope(
  'read_pending_waits',
  (scope) => `
    WITH RECURSIVE family AS (
      SELECT r.id, 0 AS level FROM agent_runtime.run r WHERE r.id = $1 AND ${isReached(scope, 'r', 2)}
      UNION ALL
      SELECT c.id, f.level + 1 FROM family f
      JOIN agent_runtime.run c ON c.parent_run_id = f.id AND NOT c.detached AND c.status IN ${OPEN}
    )
    SELECT ${SUMMARY_COLUMNS}, w.name, w.occurrence, w.kind, w.request, w.expires_at AS "expiresAt",
      CASE WHEN f.level > 0 THEN f.id END AS "runId"
    FROM agent_runtime.run r
    CROSS JOIN family f
    LEFT JOIN agent_runtime.wait w ON w.run_id = f.id AND w.status = 'pending' AND w.kind <> 'child'
      AND r.status IN ${OPEN} AND (w.expires_at IS NULL OR w.expires_at > now())
    WHERE r.id = $1 AND ${isReached(scope, 'r', 2)} AND (f.level = 0 OR w.name IS NOT NULL)
    ORDER BY f.level, w.created_at, w.name, w.occurrence`,
)

export interface WaitColumns {
  name: string
  occurrence: number
  kind: WaitKind
  request: { details: Json; schema: Json }
  expiresAt: Date | null
  /** The run below that waits. */
  runId?: string | null
}

type PendingRow = SummaryRow & Omit<WaitColumns, 'name'> & { name: string | null }

export function toPendingWait({ name, occurrence, request, ...row }: WaitColumns): PendingWait {
  const { details, schema } = request
  const { kind, expiresAt, runId = null } = row
  return {
    name,
    kind,
    details,
    schema,
    expiresAt: expiresAt?.toISOString() ?? null,
    ...(runId === null ? {} : { runId }),
    ...(occurrence === 1 ? {} : { occurrence }),
  }
}

export async function readWaits(pool: pg.Pool, reach: Reach, runId: string): Promise<PendingWaits | null> {
  const rows = await execute<PendingRow>(pool, READ_PENDING[reach.scope], [runId, ...reachValues(reach)])
  const [first] = rows
  if (first === undefined) return null
  const waits = rows.flatMap(({ name, ...row }) => (name === null ? [] : [toPendingWait({ name, ...row })]))
  return { run: toSummary(first), waits }
}
