import type pg from 'pg'
import { isTerminal } from '../../contract/terminal.ts'
import { cancelledSql } from '../../lifecycle/payloads.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { Owner } from '../../ports/owner.ts'
import type { CancelOutcome } from '../../ports/store/run-store.ts'
import { RUN_COLUMNS, toRun } from '../rows/run-row.ts'
import type { RunRow } from '../rows/run-row.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { cancelWaits, setEnded } from './end-runs.ts'
import { insertEventOf } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'
import { keepIncomplete } from './keep-incomplete.ts'
import { lockRun } from './lock-run.ts'

const { cancelled } = TRANSITIONS

const END = {
  name: 'cancel_end',
  text: `
    WITH r AS (
      UPDATE agent_runtime.run SET
        cancel_requested_at = now(), ${setEnded(cancelled)}
      WHERE id = $1
      RETURNING *
    ), told AS (
      ${insertEventOf(cancelled, { visibility: '$2', payload: cancelledSql })}
    ), unanswered AS (
      ${cancelWaits('run_id = $1')}
    )
    SELECT ${RUN_COLUMNS}, (r.parent_run_id IS NOT NULL OR r.has_children IS TRUE) AS "hasFamily" FROM r`,
}

const MARK = {
  name: 'cancel_mark',
  text: `
    UPDATE agent_runtime.run r SET cancel_requested_at = COALESCE(cancel_requested_at, now())
    WHERE r.id = $1
    RETURNING ${RUN_COLUMNS}`,
}

export async function requestCancel(
  pool: pg.Pool,
  target: { owner: Owner; runId: string },
  visibilityOf: VisibilityOf,
): Promise<CancelOutcome> {
  return inTransaction(pool, async (client) => {
    const { owner, runId } = target
    const row = await lockRun(client, owner, runId)
    if (row === undefined) return { kind: 'not-found' }
    if (isTerminal(row.status)) return { kind: 'already-ended', run: toRun(row) }
    if (row.status === 'running') {
      const marked = await execute<RunRow>(client, MARK, [runId])
      return { kind: 'requested', run: toRun(marked[0] ?? row) }
    }
    const [ended] = await execute<RunRow & { hasFamily: boolean }>(client, END, [
      runId,
      visibilityOf(cancelled.event),
    ])
    if (row.attempt > 0) await keepIncomplete(client, [runId])
    return { kind: 'cancelled', run: toRun(ended ?? row), hasFamily: ended?.hasFamily ?? false }
  })
}
