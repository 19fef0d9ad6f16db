import type pg from 'pg'
import type { Principal } from '../../../contract/principal.ts'
import type { Visibility } from '../../../contract/event.ts'
import type { Json, JsonObject } from '../../../contract/json.ts'
import type { Message } from '../../../contract/message.ts'
import type { ClaimedRun } from '../../../ports.ts'
import { execute } from '../transaction.ts'

// Rows are locked in the order of their ids, so that two workers with overlapping deliveries wait for
// each other instead of deadlocking. `run_at` was rounded to a millisecond: up, it would be in the future
// for a worker that comes at once, and the run would wait until its delivery expires.
const CLAIM = {
  name: 'claim_runs',
  text: `
    WITH locked AS (
      SELECT id FROM agent_runtime.run
      WHERE id = ANY ($1::uuid[]) AND status = 'queued'
        AND (run_at IS NULL OR run_at <= now() + interval '1 millisecond')
      ORDER BY id
      FOR NO KEY UPDATE
    ), r AS (
      UPDATE agent_runtime.run SET
        status = 'running', attempt = attempt + 1, last_seq = last_seq + 1,
        started_at = COALESCE(started_at, now()), run_at = NULL,
        lease_owner = $2, lease_expires_at = now() + $3 * interval '1 millisecond'
      WHERE id IN (SELECT id FROM locked)
      RETURNING *
    ), started AS (
      INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
      SELECT id, last_seq, attempt, 'run.started', $4::agent_runtime.visibility,
             jsonb_build_object('agentKey', agent_key), now()
      FROM r
    )
    SELECT r.id, r.tenant_id, r.owner_id, r.owner_kind, r.agent_key, r.conversation_id, r.attempt,
      r.failures, r.max_attempts, r.last_seq, r.params, r.metadata, r.timeout_ms,
      r.cancel_requested_at IS NOT NULL AS cancel_requested,
      (SELECT c.state FROM agent_runtime.checkpoint c WHERE c.run_id = r.id) AS state,
      (SELECT jsonb_agg(m.body ORDER BY m.position) FROM agent_runtime.message m
        WHERE m.run_id = r.id AND m.origin = 'input') AS input,
      CASE WHEN r.conversation_id IS NOT NULL THEN
        (SELECT jsonb_agg(m.body ORDER BY m.run_id, m.position)
          FROM agent_runtime.message m JOIN agent_runtime.run earlier ON earlier.id = m.run_id
          WHERE m.conversation_id = r.conversation_id AND m.run_id < r.id AND earlier.status = 'succeeded')
      END AS history
    FROM r`,
}

const FIND_OVER = {
  name: 'find_over',
  text: `
    SELECT wanted.id FROM unnest($1::uuid[]) AS wanted (id)
    LEFT JOIN agent_runtime.run r ON r.id = wanted.id
    WHERE r.id IS NULL OR r.status NOT IN ('queued', 'running', 'waiting')`,
}

interface ClaimRow {
  id: string
  tenant_id: string
  owner_id: string
  owner_kind: Principal['kind']
  agent_key: string
  conversation_id: string | null
  attempt: number
  failures: number
  max_attempts: number
  last_seq: number
  params: Json
  metadata: JsonObject
  timeout_ms: number
  cancel_requested: boolean
  state: Json
  input: Message[] | null
  history: Message[] | null
}

export async function claimRuns(
  pool: pg.Pool,
  runIds: readonly string[],
  options: { workerId: string; ttlMs: number; startedVisibility: Visibility },
): Promise<{ claimed: ClaimedRun[]; over: string[] }> {
  const { workerId, ttlMs, startedVisibility } = options
  const rows = await execute<ClaimRow>(pool, CLAIM, [runIds, workerId, ttlMs, startedVisibility])
  const taken = new Set(rows.map((row) => row.id))
  const rest = runIds.filter((id) => !taken.has(id))
  const over = rest.length === 0 ? [] : await execute<{ id: string }>(pool, FIND_OVER, [rest])
  return { claimed: rows.map(toClaimedRun), over: over.map((row) => row.id) }
}

function toClaimedRun(row: ClaimRow): ClaimedRun {
  return {
    id: row.id,
    agentKey: row.agent_key,
    principal: { id: row.owner_id, tenantId: row.tenant_id, kind: row.owner_kind },
    conversationId: row.conversation_id,
    attempt: row.attempt,
    failures: row.failures,
    maxAttempts: row.max_attempts,
    lastSeq: row.last_seq,
    params: row.params,
    metadata: row.metadata,
    messages: [...(row.history ?? []), ...(row.input ?? [])],
    state: row.state ?? undefined,
    timeoutMs: row.timeout_ms,
    cancelRequested: row.cancel_requested,
  }
}
