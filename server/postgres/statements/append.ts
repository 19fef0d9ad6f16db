import type pg from 'pg'
import { OPEN } from '../../lifecycle/statuses.ts'
import { goesOn } from '../../ports/attempt.ts'
import type { AppendOutcome, RunAppend, RunEnding } from '../../ports/attempt.ts'
import type { Owner } from '../../ports/owner.ts'
import type { QueuedRun } from '../../ports/queue.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import { toStorableJson } from '../../contract/storable-json.ts'
import { cancelWaits } from './end-runs.ts'
import { insertEvents } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'
import { keepIncomplete } from './keep-incomplete.ts'
import { havingPatience } from './patience.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { lockSessions } from './lock-sessions.ts'
import { FIRST_OUTPUT_POSITION } from './stored-messages.ts'
import { addWaits } from './add-waits.ts'

// One statement and one commit for everything that all runs of a worker produced since the last flush: events, endings
// and messages. Each run is fenced by its attempt and its last_seq. If an append committed but its answer was lost, the
// repeated append finds last_seq changed and writes nothing twice.
const APPEND = {
  name: 'append_events',
  text: `
    WITH head AS (
      SELECT * FROM unnest(
        $1::uuid[], $2::int[], $3::int[], $4::int[],
        $5::agent_runtime.run_status[], $6::jsonb[], $7::jsonb[], $17::int[], $18::int[],
        $20::int[], $22::text[])
      AS h (run_id, attempt, base_seq, count, status, output, error, delay_ms, failures, losses, traceparent)
    ), ${havingPatience('$19')}, locked AS (
      SELECT r.id FROM patience CROSS JOIN agent_runtime.run r JOIN head h ON h.run_id = r.id
      ORDER BY r.id
      FOR NO KEY UPDATE OF r
    ), moved AS (
      UPDATE agent_runtime.run r SET
        last_seq = h.base_seq + h.count,
        status = COALESCE(h.status, r.status),
        output = COALESCE(h.output, r.output),
        error = COALESCE(h.error, r.error),
        finished_at = CASE WHEN h.status IN ${OPEN} OR h.status IS NULL THEN r.finished_at ELSE now() END,
        failures = r.failures + h.failures,
        losses = r.losses + h.losses,
        attempt_traceparent = COALESCE(h.traceparent, r.attempt_traceparent),
        traced_attempt = CASE WHEN h.traceparent IS NULL THEN r.traced_attempt ELSE h.attempt END,
        run_at = CASE WHEN h.status = 'queued' THEN now() + h.delay_ms * interval '1 millisecond' END,
        lease_owner = CASE WHEN h.status IS NULL THEN r.lease_owner END,
        lease_expires_at = CASE WHEN h.status IS NULL THEN r.lease_expires_at END
      FROM head h JOIN locked ON locked.id = h.run_id
      WHERE r.id = h.run_id AND r.attempt = h.attempt AND r.status = 'running' AND r.last_seq = h.base_seq
        AND (h.status IS NULL OR (h.status = 'cancelled') = (r.cancel_requested_at IS NOT NULL))
      RETURNING r.id, r.conversation_id, h.attempt, r.status
    ), events AS (
      ${insertEvents(
        {
          run_id: 'e.run_id',
          seq: 'e.seq',
          attempt: 'moved.attempt',
          type: 'e.type',
          visibility: 'e.visibility',
          payload: 'e.payload',
          ts: 'e.ts',
        },
        `unnest($8::uuid[], $9::int[], $10::text[], $11::agent_runtime.visibility[], $12::jsonb[], $13::timestamptz[])
          AS e (run_id, seq, type, visibility, payload, ts)
        JOIN moved ON moved.id = e.run_id`,
      )}
    ), answers AS (
      INSERT INTO agent_runtime.message (run_id, position, id, conversation_id, origin, body)
      SELECT m.run_id, m.position, m.id, moved.conversation_id, 'output', m.body
      FROM unnest($14::uuid[], $15::int[], $16::jsonb[], $21::text[]) AS m (run_id, position, body, id)
      JOIN moved ON moved.id = m.run_id
    ), unanswered AS (${cancelWaits(`run_id = ANY (ARRAY(SELECT id FROM moved WHERE status NOT IN ${OPEN}))`)}
    )
    SELECT id FROM moved`,
}

const WHY_NOT = {
  name: 'append_refused',
  text: `
    SELECT id, attempt, status, last_seq, cancel_requested_at IS NOT NULL AS cancel_requested
    FROM agent_runtime.run WHERE id = ANY ($1::uuid[])`,
}

/** How long a flush waits for a run whose row is locked. */
const PATIENCE_MS = 250

export async function append(
  pool: pg.Pool,
  batch: readonly RunAppend[],
  { deliver, visibilityOf }: { deliver: Deliver; visibilityOf: VisibilityOf },
): Promise<Map<string, AppendOutcome>> {
  const written = batch.some(({ ending }) => ending !== undefined && ending.status !== 'succeeded')
    ? await inTransaction(pool, async (client, tx) => {
        // Lock sessions before runs, in the same order as the claim of a visitor's session does.
        await lockSessions(client, batch.flatMap(parentOf))
        const ids = await write(client, batch)
        const kept = batch.filter((run) => ids.has(run.runId))
        await keepIncomplete(
          client,
          kept.filter(hasEndedBadly).map(({ runId }) => runId),
        )
        const queued = [...kept.flatMap(toQueued), ...(await addWaits(client, kept, visibilityOf))]
        if (queued.length > 0) await deliver(queued, tx)
        return ids
      })
    : await write(pool, batch)
  const outcomes = new Map<string, AppendOutcome>([...written].map((id) => [id, 'written']))
  const refused = batch.filter((run) => !outcomes.has(run.runId))
  if (refused.length > 0) await explain(pool, refused, outcomes)
  return outcomes
}

/** The owners of the children that the run starts by waiting for them. */
function parentOf({ ending }: RunAppend): Owner[] {
  return ending?.status === 'waiting' ? ending.waits.flatMap(({ child }) => child?.principal ?? []) : []
}

function toQueued({ runId, ending, baseSeq, events }: RunAppend): QueuedRun[] {
  if (ending?.status !== 'queued') return []
  return [{ id: runId, lastSeq: baseSeq + events.length, ...ending }]
}

function endingOf({ ending }: RunAppend): RunEnding | undefined {
  return ending === undefined || goesOn(ending) ? undefined : ending
}

const hasEndedBadly = (run: RunAppend): boolean => (endingOf(run)?.status ?? 'succeeded') !== 'succeeded'

/** @returns the runs whose append was written. */
async function write(executor: Executor, batch: readonly RunAppend[]): Promise<Set<string>> {
  const events = batch.flatMap((run) => run.events.map((event) => ({ runId: run.runId, event })))
  const messages = batch.flatMap((run) => {
    const ids = new Set<string>()
    return (endingOf(run)?.messages ?? []).map(({ id, ...message }, index) => {
      const isFirst = id !== undefined && !ids.has(id)
      if (isFirst) ids.add(id)
      return { runId: run.runId, index, id: isFirst ? id : null, message }
    })
  })
  const moved = await execute<{ id: string }>(executor, APPEND, [
    batch.map((run) => run.runId),
    batch.map((run) => run.attempt),
    batch.map((run) => run.baseSeq),
    batch.map((run) => run.events.length),
    batch.map((run) => run.ending?.status ?? null),
    batch.map((run) => toJsonb(endingOf(run)?.output ?? null)),
    batch.map((run) => toJsonb(endingOf(run)?.error ?? null)),
    events.map(({ runId }) => runId),
    events.map(({ event }) => event.seq),
    events.map(({ event }) => event.type),
    events.map(({ event }) => event.visibility),
    events.map(({ event }) => event.payload),
    events.map(({ event }) => event.ts),
    messages.map(({ runId }) => runId),
    messages.map(({ index }) => FIRST_OUTPUT_POSITION + index),
    messages.map(({ message }) => toStorableJson(message)),
    batch.map(({ ending }) => (ending?.status === 'queued' ? ending.delayMs : 0)),
    batch.map(({ ending }) => (ending?.status === 'queued' ? ending.failures : 0)),
    PATIENCE_MS,
    batch.map(({ ending }) => (ending?.status === 'queued' ? ending.losses : 0)),
    messages.map(({ id }) => id),
    batch.map(({ traceparent }) => traceparent ?? null),
  ])
  return new Set(moved.map(({ id }) => id))
}

interface StateRow {
  id: string
  attempt: number
  status: string
  last_seq: number
  cancel_requested: boolean
}

async function explain(
  pool: pg.Pool,
  refused: readonly RunAppend[],
  outcomes: Map<string, AppendOutcome>,
): Promise<void> {
  const rows = await execute<StateRow>(pool, WHY_NOT, [refused.map((run) => run.runId)])
  const states = new Map(rows.map((row) => [row.id, row]))
  for (const run of refused) outcomes.set(run.runId, outcomeOf(run, states.get(run.runId)))
}

function outcomeOf(run: RunAppend, state: StateRow | undefined): AppendOutcome {
  if (state === undefined || state.attempt !== run.attempt) return 'fenced'
  const endStatus = run.ending?.status ?? 'running'
  const committedEarlier =
    state.last_seq === run.baseSeq + run.events.length && run.events.length > 0 && state.status === endStatus
  if (committedEarlier) return 'written'
  const isRefusedEnding =
    run.ending !== undefined && run.ending.status !== 'cancelled' && state.last_seq === run.baseSeq
  return isRefusedEnding && state.status === 'running' && state.cancel_requested
    ? 'cancel-requested'
    : 'fenced'
}

function toJsonb(value: unknown): string | null {
  return value === null ? null : toStorableJson(value)
}
