import type pg from 'pg'
import { OPEN } from '../../lifecycle/statuses.ts'
import type { Reach } from '../../ports/owner.ts'
import type { WaitBelow } from '../../ports/store/wait-store.ts'
import { execute } from '../connections/transaction.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { SUMMARY_COLUMNS, toSummary } from '../rows/run-row.ts'
import type { SummaryRow } from '../rows/run-row.ts'
import { toPendingWait } from './read-waits.ts'
import type { WaitColumns } from './read-waits.ts'

/** The most waits that are found, enough to tell whether the name is ambiguous. */
const MAX_FOUND = 20

// Runs below have the same owner, yet the reach is checked for each. Waits that are over are found too: a repeated
// answer to one of them must not be taken as an answer to another.
const FIND = forEachScope(
  'find_waits_below',
  (scope) => `
    WITH RECURSIVE below AS (
      SELECT c.id FROM agent_runtime.run p
      JOIN agent_runtime.run c ON c.parent_run_id = p.id AND NOT c.detached
      WHERE p.id = $1 AND ${isReached(scope, 'p', 4)} AND NOT EXISTS (
        SELECT FROM agent_runtime.wait o WHERE o.run_id = p.id AND o.name = $2 AND o.kind IN ('input', 'approval'))
      UNION ALL
      SELECT c.id FROM below b
      JOIN agent_runtime.run c ON c.parent_run_id = b.id AND NOT c.detached
    )
    SELECT ${SUMMARY_COLUMNS}, w.name, w.occurrence, w.kind, w.request, w.expires_at AS "expiresAt", o.is_open AS "isOpen"
    FROM below
    JOIN agent_runtime.run r ON r.id = below.id AND ${isReached(scope, 'r', 4)}
    JOIN agent_runtime.wait w ON w.run_id = r.id AND w.name = $2 AND w.kind IN ('input', 'approval')
      AND ($3::int IS NULL OR w.occurrence = $3)
    CROSS JOIN LATERAL (
      SELECT r.status IN ${OPEN} AND w.status = 'pending' AND (w.expires_at IS NULL OR w.expires_at > now()) AS is_open
    ) AS o
    ORDER BY o.is_open DESC, r.id, w.occurrence
    LIMIT ${MAX_FOUND}`,
)

export async function findWaitsBelow(
  pool: pg.Pool,
  {
    reach,
    runId,
    name,
    occurrence,
  }: {
    reach: Reach
    runId: string
    name: string
    occurrence?: number | undefined
  },
): Promise<WaitBelow[]> {
  const rows = await execute<SummaryRow & WaitColumns & { isOpen: boolean }>(pool, FIND[reach.scope], [
    runId,
    name,
    occurrence ?? null,
    ...reachValues(reach),
  ])
  return rows.map((row) => ({ run: toSummary(row), wait: toPendingWait(row), isOpen: row.isOpen }))
}
