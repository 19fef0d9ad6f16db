import type pg from 'pg'
import type { RunSummary } from '../../contract/run.ts'
import type { PendingWait } from '../../contract/wait.ts'
import { OPEN } from '../../lifecycle/statuses.ts'
import type { Reach } from '../../ports/owner.ts'
import { execute } from '../connections/transaction.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { SUMMARY_COLUMNS, toSummary } from './rows.ts'
import type { SummaryRow } from './rows.ts'
import { toPendingWait } from './waits.ts'
import type { WaitColumns } from './waits.ts'

// What is below a run that the caller reaches has its owner, and is asked for again all the same.
const FIND = forEachScope(
  'find_wait_below',
  (scope) => `
    WITH RECURSIVE below AS (
      SELECT c.id FROM agent_runtime.run p
      JOIN agent_runtime.run c ON c.parent_run_id = p.id AND NOT c.detached AND c.status IN ${OPEN}
      WHERE p.id = $1 AND ${isReached(scope, 'p', 3)}
      UNION ALL
      SELECT c.id FROM below b
      JOIN agent_runtime.run c ON c.parent_run_id = b.id AND NOT c.detached AND c.status IN ${OPEN}
    )
    SELECT ${SUMMARY_COLUMNS}, w.name, w.kind, w.request, w.expires_at AS "expiresAt"
    FROM below
    JOIN agent_runtime.run r ON r.id = below.id AND ${isReached(scope, 'r', 3)}
    JOIN agent_runtime.wait w ON w.run_id = r.id AND w.name = $2 AND w.status = 'pending'
      AND w.kind IN ('input', 'approval') AND (w.expires_at IS NULL OR w.expires_at > now())
    ORDER BY w.created_at, r.id, w.occurrence
    LIMIT 1`,
)

export async function findWaitBelow(
  pool: pg.Pool,
  { reach, runId, name }: { reach: Reach; runId: string; name: string },
): Promise<{ run: RunSummary; wait: PendingWait } | null> {
  const [row] = await execute<SummaryRow & WaitColumns>(pool, FIND[reach.scope], [
    runId,
    name,
    ...reachValues(reach),
  ])
  return row === undefined ? null : { run: toSummary(row), wait: toPendingWait(row) }
}
