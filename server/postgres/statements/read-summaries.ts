import type pg from 'pg'
import type { RunSummary } from '../../contract/run.ts'
import type { Reach } from '../../ports/owner.ts'
import { execute } from '../connections/transaction.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { SUMMARY_COLUMNS, toSummary } from '../rows/run-row.ts'
import type { SummaryRow } from '../rows/run-row.ts'

const READ = forEachScope(
  'read_summaries',
  (scope) => `
    SELECT ${SUMMARY_COLUMNS} FROM agent_runtime.run r
    WHERE r.id = ANY ($1::uuid[]) AND ${isReached(scope, 'r', 2)}`,
)

/** Those of these runs that are within reach. */
export async function readSummaries(
  pool: pg.Pool,
  reach: Reach,
  runIds: readonly string[],
): Promise<RunSummary[]> {
  if (runIds.length === 0) return []
  const rows = await execute<SummaryRow>(pool, READ[reach.scope], [runIds, ...reachValues(reach)])
  return rows.map(toSummary)
}
