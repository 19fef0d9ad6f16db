// An answer settles a durable wait, and lets its run go on.
import type pg from 'pg'
import type { Run } from '../../contract/run.ts'
import { isTerminal } from '../../contract/terminal.ts'
import { resumedSql } from '../../lifecycle/payloads.ts'
import { listOf } from '../../lifecycle/statuses.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { Owner } from '../../ports/owner.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import type { RespondOutcome, RespondRequest } from '../../ports/store/wait-store.ts'
import { toStorableJson } from '../../contract/storable-json.ts'
import { RUN_COLUMNS, toRun } from '../rows/run-row.ts'
import type { RunRow } from '../rows/run-row.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { insertEventOf } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'
import { lockRun } from './lock-run.ts'

const { resumed } = TRANSITIONS

const ANSWER = {
  name: 'respond_answer',
  text: `
    UPDATE agent_runtime.wait SET status = 'answered', value = $3::jsonb, responded_by = $4, settled_at = now()
    WHERE (run_id, name, occurrence) = (
      SELECT run_id, name, occurrence FROM agent_runtime.wait
      WHERE run_id = $1 AND name = $2 AND status = 'pending' AND kind = $5 AND request = $6::jsonb
        AND ($7::int IS NULL OR occurrence = $7)
        AND (expires_at IS NULL OR expires_at > now())
      ORDER BY occurrence LIMIT 1)
    RETURNING name`,
}

const RESUME = {
  name: 'respond_resume',
  text: `
    WITH r AS (
      UPDATE agent_runtime.run SET status = '${resumed.to}', run_at = now(), last_seq = last_seq + 1
      WHERE id = $1 AND status IN ${listOf(resumed.from)}
      RETURNING *
    ), told AS (
      ${insertEventOf(resumed, { visibility: '$3', payload: resumedSql('$2::text') })}
    )
    SELECT ${RUN_COLUMNS} FROM r`,
}

const WAS_ASKED = {
  name: 'respond_was_asked',
  text: `
    SELECT status = 'pending' AND request <> $3::jsonb AND (expires_at IS NULL OR expires_at > now()) AS "isOther"
    FROM agent_runtime.wait WHERE run_id = $1 AND name = $2 AND kind NOT IN ('sleep', 'child')
      AND ($4::int IS NULL OR occurrence = $4)`,
}

export async function respond(
  pool: pg.Pool,
  request: RespondRequest & { owner: Owner; visibilityOf: VisibilityOf },
  deliver: Deliver,
): Promise<RespondOutcome> {
  const { owner, runId, wait, occurrence = null, asked, value, by, visibilityOf } = request
  const question = asked && toStorableJson({ details: asked.details, schema: asked.schema })
  return inTransaction(pool, async (client, tx): Promise<RespondOutcome> => {
    const row = await lockRun(client, owner, runId)
    if (row === undefined) return { kind: 'not-found' }
    const run = toRun(row)
    const answered = mayBeAnswered(run)
      ? await execute(client, ANSWER, [
          runId,
          wait,
          toStorableJson(value),
          by,
          asked?.kind,
          question,
          occurrence,
        ])
      : []
    if (answered.length === 0) {
      const known = await execute<{ isOther: boolean | null }>(client, WAS_ASKED, [
        runId,
        wait,
        question,
        occurrence,
      ])
      if (mayBeAnswered(run) && known.some(({ isOther }) => isOther)) return { kind: 'asked-otherwise', run }
      return { kind: known.length > 0 ? 'already-settled' : 'not-waiting', run }
    }
    // No row: another answer has resumed the run already. The attempt finds this answer when it comes to this wait.
    const [going] = await execute<RunRow>(client, RESUME, [runId, wait, visibilityOf(resumed.event)])
    if (going === undefined) return { kind: 'accepted', run }
    const resumedRun = toRun(going)
    // Deliver without `runAt`: the clock of the process that wakes a worker may be behind the database's.
    await deliver([{ ...resumedRun, runAt: null }], tx)
    return { kind: 'accepted', run: resumedRun }
  })
}

function mayBeAnswered({ status, cancelRequestedAt }: Run): boolean {
  return !isTerminal(status) && cancelRequestedAt === null
}
