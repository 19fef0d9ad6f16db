// Inserts runs that other runs start. A separate statement, so that the one for callers' runs stays simple.
import type pg from 'pg'
import { toStorableJson } from '../../contract/storable-json.ts'
import type { NewChild } from '../../ports/family.ts'
import type { QueuedRun } from '../../ports/queue.ts'
import { execute } from '../connections/transaction.ts'

// The owner is taken from the parent's row, which the transaction has locked: a visitor may have become a user. A
// limited child is parked, and let in after the commit: gates must be locked before runs, and the parent's row is
// locked already.
const INSERT = {
  name: 'insert_children',
  text: `
    WITH asked AS (
      SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::jsonb[], $5::jsonb[], $6::int[], $7::int[], $8::jsonb[], $9::text[],
        $10::bool[], $11::bool[])
      AS a (parent_id, id, agent_key, params, metadata, max_attempts, timeout_ms, budget, traceparent, detached, is_limited)
    ), r AS (
      INSERT INTO agent_runtime.run (id, tenant_id, owner_id, owner_kind, agent_key, params, metadata, preferences,
        max_attempts, timeout_ms, budget, priority, traceparent, parent_run_id, root_run_id, depth, detached, gate, ordinal)
      SELECT a.id, p.tenant_id, p.owner_id, p.owner_kind, a.agent_key, a.params, a.metadata, p.preferences,
        a.max_attempts, a.timeout_ms, a.budget, p.priority, a.traceparent, p.id, COALESCE(p.root_run_id, p.id),
        COALESCE(p.depth, 0) + 1, a.detached, CASE WHEN a.is_limited THEN 'principal'::agent_runtime.run_gate END, NULL
      FROM asked a JOIN agent_runtime.run p ON p.id = a.parent_id
      RETURNING *
    ), inputs AS (
      INSERT INTO agent_runtime.message (run_id, position, origin, body)
      SELECT m.run_id, m.position, 'input', m.body
      FROM unnest($12::uuid[], $13::int[], $14::jsonb[]) AS m (run_id, position, body)
      JOIN r ON r.id = m.run_id
    ), marked AS (
      UPDATE agent_runtime.run SET has_children = true
      WHERE id IN (SELECT parent_id FROM asked) AND has_children IS NOT TRUE
    )
    SELECT id, agent_key AS "agentKey", priority, last_seq AS "lastSeq" FROM r WHERE gate IS NULL`,
}

/** @returns the children to deliver */
export async function insertChildren(
  client: pg.PoolClient,
  children: readonly { parentId: string; child: NewChild }[],
): Promise<QueuedRun[]> {
  if (children.length === 0) return []
  const all = children.map(({ child }) => child)
  const messages = all.flatMap((child) =>
    child.messages.map((message, position) => ({ id: child.id, position, message })),
  )
  const rows = await execute<Omit<QueuedRun, 'runAt'>>(client, INSERT, [
    children.map(({ parentId }) => parentId),
    all.map(({ id }) => id),
    all.map(({ agentKey }) => agentKey),
    all.map(({ params }) => (params === null ? null : toStorableJson(params))),
    all.map(({ metadata }) => toStorableJson(metadata)),
    all.map(({ maxAttempts }) => maxAttempts),
    all.map(({ timeoutMs }) => timeoutMs),
    all.map(({ budget }) => (budget === null ? null : JSON.stringify(budget))),
    all.map(({ traceparent }) => traceparent),
    all.map(({ isDetached }) => isDetached),
    all.map(({ isLimited }) => isLimited),
    messages.map(({ id }) => id),
    messages.map(({ position }) => position),
    messages.map(({ message }) => toStorableJson(message)),
  ])
  return rows.map((row) => ({ ...row, runAt: null }))
}
