// Messages that were sent to runs which succeeded without reading them. They wait for another run.
import type pg from 'pg'
import { HANDOFF_KEY_PREFIX } from '../../contract/create-run.ts'
import { ENDED_KEY_PREFIX } from '../../contract/sent-message.ts'
import type { LeftMessages, LeftPlace } from '../../ports/store/sent-store.ts'
import { execute } from '../connections/transaction.ts'

// Only finds the places: the messages may be large, and are read for one run at a time.
const FIND = {
  name: 'left_find',
  text: `
    SELECT s.run_id AS "runId", s.left_at AS "leftAt"
    FROM agent_runtime.sent_message s
    WHERE s.left_at IS NOT NULL
      AND (s.left_at, s.run_id) > (COALESCE($1::timestamptz, '-infinity'), COALESCE($2::uuid, '00000000-0000-0000-0000-000000000000'))
    GROUP BY s.left_at, s.run_id
    ORDER BY s.left_at, s.run_id
    LIMIT $3`,
}

export function findLeft(pool: pg.Pool, after: LeftPlace | null, limit: number): Promise<LeftPlace[]> {
  return execute(pool, FIND, [after?.leftAt ?? null, after?.runId ?? null, limit])
}

/**
 * SQL for the run to which a run (an alias) has handed on: the first if there are several. No row when there is none,
 * or it was cancelled.
 */
export const heirOf = (run: string) => `
      SELECT h.id, h.turn FROM agent_runtime.run h
      WHERE h.conversation_id = ${run}.conversation_id AND h.ordinal > ${run}.ordinal AND h.status <> 'cancelled'
        AND starts_with(h.idempotency_key, '${HANDOFF_KEY_PREFIX}' || ${run}.id || '/')
      ORDER BY h.turn NULLS FIRST, h.ordinal
      LIMIT 1`

const TELLS_OF_END = `COALESCE(starts_with(s.key, '${ENDED_KEY_PREFIX}'), false)`

const READ = {
  name: 'left_read',
  text: `
    SELECT r.id AS "runId", jsonb_build_object('tenantId', r.tenant_id, 'id', r.owner_id, 'kind', r.owner_kind) AS owner,
      r.conversation_id AS "conversationId", n.agent_key AS "agentKey", n.params, n.metadata, n.preferences,
      n.max_attempts AS "maxAttempts", n.timeout_ms AS "timeoutMs", n.budget, n.priority, n.traceparent,
      heir.turn IS NOT NULL AS "isHandedOn", left_by.*
    FROM agent_runtime.run r
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(s.body ORDER BY s.position) AS messages, array_agg(s.position ORDER BY s.position) AS positions,
        bool_or(${TELLS_OF_END}) AS "tellsOfEnds", bool_and(${TELLS_OF_END}) AS "isOnlyEnds"
      FROM agent_runtime.sent_message s
      WHERE s.run_id = r.id AND s.left_at IS NOT NULL
    ) AS left_by
    LEFT JOIN LATERAL (${heirOf('r')}
    ) AS heir ON true
    JOIN agent_runtime.run n ON n.id = COALESCE(heir.id, r.id)
    WHERE r.id = $1 AND left_by.messages IS NOT NULL`,
}

export async function readLeft(pool: pg.Pool, runId: string): Promise<LeftMessages | null> {
  const [left] = await execute<LeftMessages>(pool, READ, [runId])
  return left ?? null
}

// Does the same as the trigger settle_sent at the end of a run that did not succeed.
const KEEP = {
  name: 'left_keep',
  text: `
    WITH kept AS (
      UPDATE agent_runtime.sent_message SET left_at = NULL, taken_at = now()
      WHERE run_id = $1 AND left_at IS NOT NULL
      RETURNING run_id, position, id, body
    )
    INSERT INTO agent_runtime.message (run_id, position, id, conversation_id, origin, body)
    SELECT k.run_id, 900000 + k.position, k.id::text, r.conversation_id, 'input', k.body
    FROM kept k JOIN agent_runtime.run r ON r.id = k.run_id`,
}

export async function keepLeft(pool: pg.Pool, runId: string): Promise<void> {
  await execute(pool, KEEP, [runId])
}
