// Durable waits: added with the end of the attempt that waits, settled by an answer or by the next claim.
import type pg from 'pg'
import type { Json } from '../../contract/json.ts'
import type { Run } from '../../contract/run.ts'
import { isTerminal } from '../../contract/terminal.ts'
import type { PendingWait, WaitKind } from '../../contract/wait.ts'
import { resumedSql } from '../../lifecycle/payloads.ts'
import { listOf, OPEN } from '../../lifecycle/statuses.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { KnownWait, RunAppend } from '../../ports/attempt.ts'
import type { Owner, Reach } from '../../ports/owner.ts'
import type { QueuedRun } from '../../ports/queue.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import type { PendingWaits, RespondOutcome, RespondRequest } from '../../ports/store/wait-store.ts'
import { toStorableJson } from '../../contract/storable-json.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { RUN_COLUMNS, SUMMARY_COLUMNS, toRun, toSummary } from '../rows/run-row.ts'
import type { RunRow, SummaryRow } from '../rows/run-row.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { insertChildren } from './insert-children.ts'
import { insertEventOf } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'
import { lockRun } from './lock-run.ts'

const { resumed } = TRANSITIONS

// Whether the wait now has another timeout than before, allowing for rounding: times are stored in milliseconds.
const HAS_OTHER_TIME = `COALESCE(
      abs(extract(epoch FROM (EXCLUDED.expires_at - EXCLUDED.created_at) - (wait.expires_at - wait.created_at))) > 0.002,
      (EXCLUDED.expires_at IS NULL) <> (wait.expires_at IS NULL))`

// An attempt that was resumed by another wait may add this wait again. Then the wait keeps its time. New code may ask
// for something else: from now on answers are checked against that. If the timeout differs, it begins anew.
const ADD = {
  name: 'add_waits',
  text: `
    INSERT INTO agent_runtime.wait (run_id, name, occurrence, kind, request, created_at, expires_at)
    SELECT run_id, name, occurrence, kind, request, now(), now() + timeout_ms * interval '1 millisecond'
    FROM unnest($1::uuid[], $2::text[], $3::int[], $4::agent_runtime.wait_kind[], $5::jsonb[], $6::float8[])
      AS a (run_id, name, occurrence, kind, request, timeout_ms)
    ON CONFLICT (run_id, name, occurrence) DO UPDATE SET
      kind = EXCLUDED.kind, request = EXCLUDED.request,
      created_at = CASE WHEN ${HAS_OTHER_TIME} THEN EXCLUDED.created_at ELSE wait.created_at END,
      expires_at = CASE WHEN ${HAS_OTHER_TIME} THEN EXCLUDED.expires_at ELSE wait.expires_at END
    WHERE wait.status = 'pending' AND wait.kind <> 'child' AND (
      wait.request IS DISTINCT FROM EXCLUDED.request OR wait.kind <> EXCLUDED.kind OR ${HAS_OTHER_TIME})
    RETURNING run_id AS "runId", name, occurrence`,
}

// An answer to this wait may have come while the attempt, which another wait resumed, was running. Then the run is
// queued at once. Its readers, who were told that it waits, are told that it was resumed.
const SUSPEND = {
  name: 'suspend_runs',
  text: `
    WITH asked AS (
      SELECT a.run_id, min(w.expires_at) AS due,
        (array_agg(w.name ORDER BY w.settled_at) FILTER (WHERE w.status <> 'pending'))[1] AS settled
      FROM unnest($1::uuid[], $2::text[], $3::int[]) AS a (run_id, name, occurrence)
      JOIN agent_runtime.wait w ON w.run_id = a.run_id AND w.name = a.name AND w.occurrence = a.occurrence
      GROUP BY a.run_id
    ), r AS (
      UPDATE agent_runtime.run r SET
        status = CASE WHEN settled IS NOT NULL THEN '${resumed.to}'::agent_runtime.run_status ELSE r.status END,
        run_at = CASE WHEN settled IS NOT NULL THEN now() ELSE due END,
        last_seq = r.last_seq + CASE WHEN settled IS NOT NULL THEN 1 ELSE 0 END
      FROM asked
      WHERE r.id = asked.run_id AND (settled IS NOT NULL OR due IS NOT NULL)
      RETURNING r.id, r.agent_key, r.priority, r.last_seq, r.attempt, r.run_at, settled
    ), told AS (
      ${insertEventOf(resumed, {
        visibility: '$4',
        payload: resumedSql('settled'),
        from: 'r WHERE settled IS NOT NULL',
      })}
    )
    SELECT id, agent_key AS "agentKey", priority, last_seq AS "lastSeq",
      CASE WHEN settled IS NULL THEN run_at END AS "runAt"
    FROM r`,
}

/** @returns the runs to deliver: new children, and the runs themselves for the time when their first wait ends */
export async function addWaits(
  client: pg.PoolClient,
  batch: readonly RunAppend[],
  visibilityOf: VisibilityOf,
): Promise<QueuedRun[]> {
  const asked = batch.flatMap(({ runId, ending }) =>
    ending?.status === 'waiting' ? ending.waits.map((wait) => ({ runId, ...wait })) : [],
  )
  if (asked.length === 0) return []
  const keys = [asked.map((a) => a.runId), asked.map((a) => a.name), asked.map((a) => a.occurrence)]
  const added = await execute<{ runId: string; name: string; occurrence: number }>(client, ADD, [
    ...keys,
    asked.map((a) => a.kind),
    asked.map(({ details, schema }) => toStorableJson({ details, schema })),
    asked.map((a) => a.timeoutMs),
  ])
  const isNew = new Set(added.map(({ runId, name, occurrence }) => `${runId}/${name}/${occurrence}`))
  // Create a child only with a new wait, so that a call has one child however often it is repeated.
  const children = await insertChildren(
    client,
    asked.flatMap(({ runId, name, occurrence, child }) =>
      child !== undefined && isNew.has(`${runId}/${name}/${occurrence}`) ? [{ parentId: runId, child }] : [],
    ),
  )
  const rows = await execute<QueuedRun & { runAt: Date | null }>(client, SUSPEND, [
    ...keys,
    visibilityOf(resumed.event),
  ])
  return [...children, ...rows.map((row) => ({ ...row, runAt: row.runAt?.toISOString() ?? null }))]
}

const READ_SETTLED = {
  name: 'read_settled_waits',
  text: `
    SELECT name, occurrence, status, value, responded_by AS "respondedBy",
      CASE WHEN kind = 'child' THEN request #>> '{details,runId}' END AS "childId"
    FROM agent_runtime.wait
    WHERE run_id = $1 AND (
      status IN ('answered', 'timed_out') AND used_at IS NOT NULL
      OR kind = 'child' AND status IN ('pending', 'answered'))`,
}

export async function readSettledWaits(pool: pg.Pool, runId: string): Promise<KnownWait[]> {
  return execute<KnownWait>(pool, READ_SETTLED, [runId])
}

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
