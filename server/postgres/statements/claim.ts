import type pg from 'pg'
import type { Principal } from '../../contract/principal.ts'
import type { Visibility } from '../../contract/visibility.ts'
import type { Json, JsonObject } from '../../contract/json.ts'
import type { Budget } from '../../contract/budget.ts'
import type { Preferences } from '../../contract/create-run.ts'
import type { AgentMessage } from '../../contract/message.ts'
import { startedSql } from '../../lifecycle/payloads.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { ClaimedRun } from '../../ports/attempt.ts'
import type { Lease } from '../../ports/store/attempt-store.ts'
import { execute } from '../connections/transaction.ts'
import { boundedHistory } from './bounded-history.ts'
import type { BoundedHistory } from './bounded-history.ts'
import { insertEventOf } from './insert-event.ts'
import { isToBeIsolated } from './isolation.ts'
import { isDue, IS_STARTABLE } from './startable.ts'

const { started } = TRANSITIONS

// Rows are locked in the order of their ids, so that two workers with the same deliveries wait for each other instead
// of deadlocking.
//
// A wait whose time is up is settled here, when its run continues, and an approval whose time is up is void even if
// answered. So this attempt and all later ones read the same result. Waits are updated by ctid: a wait that was
// answered after the statement began is left alone, since it was judged without that answer.
const CLAIM = {
  name: 'claim_runs',
  text: `
    WITH locked AS (
      SELECT id, run_at FROM agent_runtime.run
      WHERE id = ANY ($1::uuid[])
        AND ${IS_STARTABLE}
        AND NOT ${isToBeIsolated('$5')}
      ORDER BY id
      FOR NO KEY UPDATE
    ), r AS (
      UPDATE agent_runtime.run SET
        status = '${started.to}', attempt = attempt + 1, in_company = false, last_seq = last_seq + 1,
        started_at = COALESCE(started_at, now()), attempt_started_at = now(), run_at = NULL,
        agent_version = COALESCE(agent_version, $6::jsonb ->> agent_key), lease_owner = $2, lease_expires_at = now() + $3 * interval '1 millisecond'
      WHERE id IN (SELECT id FROM locked)
      RETURNING *
    ), told AS (
      ${insertEventOf(started, { visibility: '$4', payload: startedSql('r.agent_key', 'r.agent_version') })}
    ), settled AS (
      UPDATE agent_runtime.wait w SET
        status = CASE WHEN late THEN 'timed_out' ELSE w.status END,
        settled_at = CASE WHEN late THEN now() ELSE w.settled_at END,
        used_at = now()
      FROM (
        SELECT o.ctid AS row, o.expires_at IS NOT NULL AND ${isDue('o.expires_at')}
          AND (o.status = 'pending' OR o.kind = 'approval') AS late
        FROM r JOIN agent_runtime.wait o ON o.run_id = r.id
        WHERE r.attempt > 1 AND o.used_at IS NULL AND o.status IN ('pending', 'answered')
      ) AS open
      WHERE w.ctid = open.row AND (late OR w.status = 'answered')
    )
    SELECT r.id, r.tenant_id, r.owner_id, r.owner_kind, r.agent_key, r.conversation_id, r.attempt,
      r.failures, r.losses, r.max_attempts, r.priority, r.last_seq, r.params, r.metadata, r.timeout_ms, r.budget,
      r.agent_version, r.traceparent, r.attempt_traceparent, r.traced_attempt, r.preferences, r.parent_run_id, r.depth, r.has_children, r.sent,
      CASE WHEN r.attempt = 1 THEN
        extract(epoch FROM r.attempt_started_at - GREATEST(r.created_at, l.run_at)) * 1000
      END AS waited_ms,
      r.cancel_requested_at IS NOT NULL AS cancel_requested,
      (SELECT c.state FROM agent_runtime.checkpoint c WHERE c.run_id = r.id) AS state,
      (SELECT json_agg(m.body ORDER BY m.position) FROM agent_runtime.message m
        WHERE m.run_id = r.id AND m.origin = 'input') AS input,
      CASE WHEN r.conversation_id IS NOT NULL THEN
        ${boundedHistory('r')}
      END AS history
    FROM r JOIN locked l ON l.id = r.id`,
}

interface ClaimRow {
  id: string
  tenant_id: string
  owner_id: string
  owner_kind: Principal['kind']
  agent_key: string
  agent_version: string | null
  conversation_id: string | null
  attempt: number
  failures: number
  losses: number
  max_attempts: number
  priority: number
  last_seq: number
  params: Json
  metadata: JsonObject
  preferences: Preferences | null
  timeout_ms: number
  budget: Budget | null
  cancel_requested: boolean
  traceparent: string | null
  attempt_traceparent: string | null
  traced_attempt: number | null
  parent_run_id: string | null
  depth: number | null
  has_children: boolean | null
  sent: number | null
  /** A `numeric`, which the driver gives as text. */
  waited_ms: string | null
  state: Json
  input: AgentMessage[] | null
  /** The JSON text of a {@link BoundedHistory}. */
  history: string | null
}

export interface ClaimOptions extends Lease {
  visibilityOf(type: string): Visibility
}

/** Starts an attempt of each run that can be claimed. */
export async function claim(
  client: pg.PoolClient,
  runIds: readonly string[],
  { workerId, ttlMs, isolatedAgents, versions = {}, visibilityOf }: ClaimOptions,
): Promise<ClaimedRun[]> {
  const values = [
    runIds,
    workerId,
    ttlMs,
    visibilityOf(started.event),
    isolatedAgents,
    JSON.stringify(versions),
  ]
  return (await execute<ClaimRow>(client, CLAIM, values)).map(toClaimedRun)
}

function toClaimedRun(row: ClaimRow): ClaimedRun {
  const history = row.history === null ? undefined : (JSON.parse(row.history) as BoundedHistory)
  return {
    id: row.id,
    agentKey: row.agent_key,
    agentVersion: row.agent_version,
    principal: { id: row.owner_id, tenantId: row.tenant_id, kind: row.owner_kind },
    conversationId: row.conversation_id,
    attempt: row.attempt,
    failures: row.failures,
    losses: row.losses,
    maxAttempts: row.max_attempts,
    priority: row.priority,
    lastSeq: row.last_seq,
    params: row.params,
    metadata: row.metadata,
    preferences: row.preferences ?? {},
    messages: [...(history?.messages ?? []), ...(row.input ?? [])],
    isHistoryCut: history?.isCut ?? false,
    state: row.state ?? undefined,
    timeoutMs: row.timeout_ms,
    budget: row.budget,
    cancelRequested: row.cancel_requested,
    traceparent: row.traceparent,
    earlierTraceparent: row.attempt_traceparent,
    earlierAttempt: row.traced_attempt,
    parentRunId: row.parent_run_id,
    depth: row.depth ?? 0,
    hasChildren: row.has_children ?? false,
    sent: row.sent ?? 0,
    waitedMs: row.waited_ms === null ? null : Number(row.waited_ms),
  }
}
