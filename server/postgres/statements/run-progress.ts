import type { RunProgress } from '../../ports/store/run-store.ts'
import { SUMMARY_COLUMNS, toSummary } from '../rows/run-row.ts'
import type { SummaryRow } from '../rows/run-row.ts'

export type ProgressRow = SummaryRow & Pick<RunProgress, 'lastSeq' | 'isPaused'>

/**
 * The select list that makes a {@link ProgressRow}, for a table named `r`. Waits are only looked up for runs that wait.
 */
export const PROGRESS_COLUMNS = `${SUMMARY_COLUMNS}, r.last_seq AS "lastSeq",
  r.status = 'waiting' AND EXISTS (
    SELECT FROM agent_runtime.wait o WHERE o.run_id = r.id AND o.status = 'pending' AND o.kind <> 'child'
  ) AS "isPaused"`

export function toProgress(row: ProgressRow): RunProgress {
  return { run: toSummary(row), lastSeq: row.lastSeq, isPaused: row.isPaused }
}
