// The writes of a worker about its attempts, except events. All are fenced by the attempt.
import type pg from 'pg'
import type { Json } from '../../contract/json.ts'
import type { CompletedStep, NewStep } from '../../ports/attempt.ts'
import type { RenewedLease, SavedStep } from '../../ports/store/attempt-store.ts'
import { toStorableJson } from '../../contract/storable-json.ts'
import { havingPatience, isLockTimeout } from './patience.ts'
import { execute } from '../connections/transaction.ts'

const RENEW = {
  name: 'renew_leases',
  text: `
    WITH ${havingPatience('$4')}, held AS (
      SELECT r.id FROM patience CROSS JOIN agent_runtime.run r
      JOIN unnest($1::uuid[], $2::int[]) AS h (run_id, attempt) ON h.run_id = r.id AND h.attempt = r.attempt
      WHERE r.status = 'running'
      ORDER BY r.id
      FOR NO KEY UPDATE OF r
    )
    UPDATE agent_runtime.run r SET lease_expires_at = now() + $3 * interval '1 millisecond'
    FROM held WHERE r.id = held.id
    RETURNING r.id, r.cancel_requested_at IS NOT NULL AS "cancelRequested", COALESCE(r.sent, 0) AS sent`,
}

// Skips locked rows, and answers for them as they were: they are not lost, and the next renewal may find them free.
const RENEW_OTHERS = {
  name: 'renew_other_leases',
  text: `
    WITH asked AS (
      SELECT r.id, r.cancel_requested_at, r.sent FROM agent_runtime.run r
      JOIN unnest($1::uuid[], $2::int[]) AS h (run_id, attempt) ON h.run_id = r.id AND h.attempt = r.attempt
      WHERE r.status = 'running'
    ), free AS (
      SELECT r.id FROM agent_runtime.run r
      WHERE r.id IN (SELECT id FROM asked) AND r.status = 'running'
      FOR NO KEY UPDATE SKIP LOCKED
    ), renewed AS (
      UPDATE agent_runtime.run r SET lease_expires_at = now() + $3 * interval '1 millisecond'
      FROM free WHERE r.id = free.id
    )
    SELECT id, cancel_requested_at IS NOT NULL AS "cancelRequested", COALESCE(sent, 0) AS sent FROM asked`,
}

/** Far below the time to live of a lease. */
const RENEWAL_PATIENCE_MS = 500

const SAVE_CHECKPOINT = {
  name: 'save_checkpoint',
  text: `
    WITH held AS (
      SELECT id FROM agent_runtime.run WHERE id = $1 AND attempt = $2 AND status = 'running'
      FOR NO KEY UPDATE
    )
    INSERT INTO agent_runtime.checkpoint (run_id, attempt, state, updated_at)
    SELECT id, $2, $3::jsonb, now() FROM held
    ON CONFLICT (run_id) DO UPDATE SET
      attempt = EXCLUDED.attempt, state = EXCLUDED.state, updated_at = EXCLUDED.updated_at
    RETURNING run_id`,
}

// A step is saved twice if the first answer was lost. The second write then finds its own row.
const saving = (name: string, also: string) => ({
  name,
  text: `
    WITH held AS (
      SELECT id, sent FROM agent_runtime.run WHERE id = $1 AND attempt = $2 AND status = 'running'
      FOR NO KEY UPDATE
    )${also}
    INSERT INTO agent_runtime.step (run_id, attempt, name, occurrence, result, started_at, message_ids)
    SELECT id, $2, $3, $4, $5::jsonb, $6, $7::jsonb FROM held
    ON CONFLICT (run_id, name, occurrence) DO UPDATE SET
      result = EXCLUDED.result, message_ids = EXCLUDED.message_ids
    RETURNING (SELECT COALESCE(sent, 0) FROM held) AS sent`,
})

const SAVE_STEP = saving('save_step', '')
const SAVE_STEP_WITH_SENT = saving(
  'save_step_with_sent',
  `, stored AS (
      UPDATE agent_runtime.sent_message s SET is_stored = true FROM held
      WHERE s.run_id = held.id AND s.position = ANY ($8::int[])
    )`,
)

const READ_STEPS = {
  name: 'read_steps',
  text: `
    SELECT name, occurrence, result, result IS NULL AS nothing, message_ids AS "messageIds"
    FROM agent_runtime.step WHERE run_id = $1`,
}

const READ_STEP_NAMES = {
  name: 'read_step_names',
  text: `SELECT name, occurrence FROM agent_runtime.step WHERE run_id = $1 ORDER BY completed_at, name, occurrence`,
}

export async function readStepNames(
  pool: pg.Pool,
  runId: string,
): Promise<Pick<CompletedStep, 'name' | 'occurrence'>[]> {
  return execute(pool, READ_STEP_NAMES, [runId])
}

export async function saveStep(
  pool: pg.Pool,
  run: { id: string; attempt: number },
  { name, occurrence, result, startedAt, messageIds, sent = [] }: NewStep,
): Promise<SavedStep | 'fenced'> {
  // SQL's NULL for a step that returned nothing, which differs from JSON's null.
  const json = result === undefined ? null : toStorableJson(result)
  const values = [run.id, run.attempt, name, occurrence, json, startedAt, toStorableJson([...messageIds])]
  const [saved] =
    sent.length === 0
      ? await execute<SavedStep>(pool, SAVE_STEP, values)
      : await execute<SavedStep>(pool, SAVE_STEP_WITH_SENT, [...values, sent])
  return saved ?? 'fenced'
}

export async function readSteps(pool: pg.Pool, runId: string): Promise<CompletedStep[]> {
  const rows = await execute<CompletedStep & { nothing: boolean }>(pool, READ_STEPS, [runId])
  return rows.map(({ nothing, result, ...step }) => ({ ...step, result: nothing ? undefined : result }))
}

export async function renewLeases(
  pool: pg.Pool,
  runs: readonly { id: string; attempt: number }[],
  ttlMs: number,
): Promise<RenewedLease[]> {
  const values = [runs.map((run) => run.id), runs.map((run) => run.attempt), ttlMs]
  try {
    return await execute(pool, RENEW, [...values, RENEWAL_PATIENCE_MS])
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    return execute(pool, RENEW_OTHERS, values)
  }
}

export async function saveCheckpoint(
  pool: pg.Pool,
  held: { runId: string; attempt: number },
  state: Json,
): Promise<'written' | 'fenced'> {
  const rows = await execute(pool, SAVE_CHECKPOINT, [held.runId, held.attempt, toStorableJson(state)])
  return rows.length === 1 ? 'written' : 'fenced'
}
