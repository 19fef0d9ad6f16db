import type pg from 'pg'
import type { AppendOutcome, RunAppend } from '../../../ports.ts'
import { toStorableJson } from '../../../storable-json.ts'
import { execute } from '../transaction.ts'

// One statement, one commit, for everything all runs of a worker produced since the last flush: events,
// endings and the messages that go with them. Each run is fenced by its attempt, and by its last_seq:
// an append that did commit although its answer got lost finds last_seq moved and writes nothing twice.
const APPEND = {
  name: 'append_events',
  text: `
    WITH head AS (
      SELECT * FROM unnest(
        $1::uuid[], $2::int[], $3::int[], $4::int[],
        $5::agent_runtime.run_status[], $6::jsonb[], $7::jsonb[])
      AS h (run_id, attempt, base_seq, count, status, output, error)
    ), locked AS (
      SELECT r.id FROM agent_runtime.run r JOIN head h ON h.run_id = r.id
      ORDER BY r.id
      FOR NO KEY UPDATE OF r
    ), moved AS (
      UPDATE agent_runtime.run r SET
        last_seq = h.base_seq + h.count,
        status = COALESCE(h.status, r.status),
        output = COALESCE(h.output, r.output),
        error = COALESCE(h.error, r.error),
        finished_at = CASE WHEN h.status IS NULL THEN r.finished_at ELSE now() END
      FROM head h JOIN locked ON locked.id = h.run_id
      WHERE r.id = h.run_id AND r.attempt = h.attempt AND r.status = 'running' AND r.last_seq = h.base_seq
        AND (h.status IS NULL OR h.status = 'cancelled' OR r.cancel_requested_at IS NULL)
      RETURNING r.id, r.conversation_id, h.attempt
    ), events AS (
      INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
      SELECT e.run_id, e.seq, moved.attempt, e.type, e.visibility, e.payload, e.ts
      FROM unnest($8::uuid[], $9::int[], $10::text[], $11::agent_runtime.visibility[], $12::jsonb[],
                  $13::timestamptz[]) AS e (run_id, seq, type, visibility, payload, ts)
      JOIN moved ON moved.id = e.run_id
    ), answers AS (
      INSERT INTO agent_runtime.message (run_id, position, conversation_id, origin, body)
      SELECT m.run_id, m.position, moved.conversation_id, 'output', m.body
      FROM unnest($14::uuid[], $15::int[], $16::jsonb[]) AS m (run_id, position, body)
      JOIN moved ON moved.id = m.run_id
    )
    SELECT id FROM moved`,
}

const WHY_NOT = {
  name: 'append_refused',
  text: `
    SELECT id, attempt, status, last_seq, cancel_requested_at IS NOT NULL AS cancel_requested
    FROM agent_runtime.run WHERE id = ANY ($1::uuid[])`,
}

// Output messages come after any input, whose number the worker does not know.
const FIRST_OUTPUT_POSITION = 1_000_000

export async function append(
  pool: pg.Pool,
  batch: readonly RunAppend[],
): Promise<Map<string, AppendOutcome>> {
  const events = batch.flatMap((run) => run.events.map((event) => ({ runId: run.runId, event })))
  const messages = batch.flatMap((run) =>
    (run.ending?.messages ?? []).map((message, index) => ({ runId: run.runId, index, message })),
  )
  const moved = await execute<{ id: string }>(pool, APPEND, [
    batch.map((run) => run.runId),
    batch.map((run) => run.attempt),
    batch.map((run) => run.baseSeq),
    batch.map((run) => run.events.length),
    batch.map((run) => run.ending?.status ?? null),
    batch.map((run) => toJsonb(run.ending?.output ?? null)),
    batch.map((run) => toJsonb(run.ending?.error ?? null)),
    events.map(({ runId }) => runId),
    events.map(({ event }) => event.seq),
    events.map(({ event }) => event.type),
    events.map(({ event }) => event.visibility),
    events.map(({ event }) => event.payload),
    events.map(({ event }) => event.ts),
    messages.map(({ runId }) => runId),
    messages.map(({ index }) => FIRST_OUTPUT_POSITION + index),
    messages.map(({ message }) => toStorableJson(message)),
  ])
  const outcomes = new Map<string, AppendOutcome>(moved.map(({ id }) => [id, 'written']))
  const refused = batch.filter((run) => !outcomes.has(run.runId))
  if (refused.length > 0) await explain(pool, refused, outcomes)
  return outcomes
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
  return state.status === 'running' && state.cancel_requested ? 'cancel-requested' : 'fenced'
}

function toJsonb(value: unknown): string | null {
  return value === null ? null : toStorableJson(value)
}
