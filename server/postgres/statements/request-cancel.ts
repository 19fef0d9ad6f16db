import type pg from 'pg'
import type { Visibility } from '../../contract/event.ts'
import type { Owner } from '../../ports/owner.ts'
import type { CancelOutcome } from '../../ports/store.ts'
import { RUN_COLUMNS, toRun } from './rows.ts'
import type { RunRow } from './rows.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { lockRun } from './lock-run.ts'

const END = {
  name: 'cancel_end',
  text: `
    WITH r AS (
      UPDATE agent_runtime.run SET
        status = 'cancelled', cancel_requested_at = now(), finished_at = now(), last_seq = last_seq + 1,
        run_at = NULL, turn = NULL
      WHERE id = $1
      RETURNING *
    ), ended AS (
      INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
      SELECT id, last_seq, attempt, 'run.cancelled', $2::agent_runtime.visibility, '{}', now() FROM r
    ), unanswered AS (
      UPDATE agent_runtime.wait SET status = 'cancelled', settled_at = now()
      WHERE run_id = $1 AND status = 'pending'
    )
    SELECT ${RUN_COLUMNS} FROM r`,
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
  cancelledVisibility: Visibility,
): Promise<CancelOutcome> {
  return inTransaction(pool, async (client) => {
    const { owner, runId } = target
    const row = await lockRun(client, owner, runId)
    if (row === undefined) return { kind: 'not-found' }
    switch (row.status) {
      case 'queued':
      case 'waiting': {
        const ended = await execute<RunRow>(client, END, [runId, cancelledVisibility])
        return { kind: 'cancelled', run: toRun(ended[0] ?? row) }
      }
      case 'running': {
        const marked = await execute<RunRow>(client, MARK, [runId])
        return { kind: 'requested', run: toRun(marked[0] ?? row) }
      }
      case 'succeeded':
      case 'failed':
      case 'cancelled':
      case 'timed_out':
        return { kind: 'already-ended', run: toRun(row) }
    }
  })
}
