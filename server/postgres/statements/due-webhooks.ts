// Deliveries of webhooks. A trigger writes them, in the transaction that ends a run or makes it wait.
import type pg from 'pg'
import type { WebhookStore } from '../../ports/store/webhook-store.ts'
import type { DueCallerWebhook, DueWebhook } from '../../ports/webhooks.ts'
import { execute } from '../connections/transaction.ts'
import { haveOneOwner, ownerColumns } from '../owned-by.ts'
import { toOwner } from '../rows/owner-columns.ts'
import type { OwnerColumns } from '../rows/owner-columns.ts'

const AT_ONCE = 20

/** The select list for the taken deliveries `d`. */
const DUE_COLUMNS = `d.id, d.event, d.seq, d.attempts, d.created_at AS "createdAt", r.id AS "runId",
      r.tenant_id AS "tenantId", r.owner_id AS "ownerId", r.owner_kind AS "ownerKind", r.agent_key AS "agentKey",
      r.conversation_id AS "conversationId", r.metadata`

/** Takes the deliveries `due`. */
const TAKEN = `d AS (
      UPDATE agent_runtime.webhook_delivery d
      SET attempts = attempts + 1, next_at = now() + $1 * interval '1 millisecond'
      FROM due WHERE d.id = due.id
      RETURNING d.*
    )`

const TAKE = {
  name: 'webhook_take',
  text: `
    WITH due AS (
      SELECT id FROM agent_runtime.webhook_delivery
      WHERE next_at <= now() AND endpoint = $2
      ORDER BY next_at
      LIMIT ${AT_ONCE}
      FOR UPDATE SKIP LOCKED
    ), ${TAKEN}
    SELECT ${DUE_COLUMNS} FROM d JOIN agent_runtime.run r ON r.id = d.run_id`,
}

type DueRow = Omit<DueWebhook, 'run'> &
  OwnerColumns & { runId: string } & Pick<DueWebhook['run'], 'agentKey' | 'conversationId' | 'metadata'>

export async function takeWebhooks(pool: pg.Pool, endpoint: string, leaseMs: number): Promise<DueWebhook[]> {
  return (await execute<DueRow>(pool, TAKE, [leaseMs, endpoint])).map(toDue)
}

/** The most deliveries of one owner that are taken at once. */
const OF_ONE_AT_ONCE = 10
const LOOKED_AT = 200

// Takes only a few deliveries of each owner, so that an owner with many does not delay the others. `next_at` is checked
// again, since another process may have taken a delivery meanwhile.
const TAKE_OF_CALLERS = {
  name: 'webhook_take_of_callers',
  text: `
    WITH due AS (
      SELECT d.id FROM agent_runtime.webhook_delivery d
      WHERE d.next_at <= now() AND d.id IN (
        SELECT id FROM (
          SELECT id, row_number() OVER (PARTITION BY tenant_id, owner_id, owner_kind ORDER BY next_at) AS place,
            EXISTS (
              SELECT FROM unnest($5::text[], $6::text[], $7::text[]) AS s (tenant_id, owner_id, owner_kind)
              WHERE ${haveOneOwner('oldest', 's')}) AS is_slow
          FROM (
            SELECT d.* FROM agent_runtime.webhook_delivery d
            WHERE d.next_at <= now() AND d.webhook_id IS NOT NULL AND NOT EXISTS (
              SELECT FROM unnest($2::text[], $3::text[], $4::text[]) AS b (tenant_id, owner_id, owner_kind)
              WHERE ${haveOneOwner('d', 'b')})
            ORDER BY d.next_at
            LIMIT ${LOOKED_AT}
          ) oldest
        ) placed
        WHERE place <= CASE WHEN is_slow THEN 1 ELSE ${OF_ONE_AT_ONCE} END)
      FOR UPDATE SKIP LOCKED
    ), ${TAKEN}
    SELECT ${DUE_COLUMNS}, w.id AS "webhookId", w.url, w.secret
    FROM d JOIN agent_runtime.run r ON r.id = d.run_id JOIN agent_runtime.webhook w ON w.id = d.webhook_id`,
}

export async function takeCallerWebhooks(
  pool: pg.Pool,
  { busy, slow }: Parameters<WebhookStore['takeCallerWebhooks']>[0],
  leaseMs: number,
): Promise<DueCallerWebhook[]> {
  const rows = await execute<DueRow & { webhookId: string; url: string; secret: string }>(
    pool,
    TAKE_OF_CALLERS,
    [leaseMs, ...ownerColumns(busy), ...ownerColumns(slow)],
  )
  return rows.map((row) => ({
    ...toDue(row),
    webhook: { id: row.webhookId, url: row.url, secret: row.secret },
  }))
}

function toDue(row: DueRow): DueWebhook {
  const { id, event, seq, attempts, createdAt, runId, agentKey, conversationId, metadata } = row
  const run = { id: runId, owner: toOwner(row), agentKey, conversationId, metadata }
  return { id, event, seq, attempts, createdAt, run }
}

/** The most attempts whose outcomes are kept. */
const MAX_ANSWERS = 20

// An attempt whose lease ran out writes nothing: the next attempt writes its own outcome.
const SETTLE = {
  name: 'webhook_settle',
  text: `
    UPDATE agent_runtime.webhook_delivery SET last_status = $3::int, last_error = $4,
      next_at = now() + $5 * interval '1 millisecond',
      delivered_at = CASE WHEN $4::text IS NULL THEN now() END,
      answers = jsonb_path_query_array(
        answers || jsonb_build_array(jsonb_build_object('at', now(), 'status', $3::int, 'error', $4::text)),
        '$[last - ${MAX_ANSWERS - 1} to last]')
    WHERE id = $1 AND attempts = $2 AND delivered_at IS NULL`,
}

export async function settleWebhook(
  pool: pg.Pool,
  ...[webhook, answer, retryMs]: Parameters<WebhookStore['settleWebhook']>
): Promise<void> {
  await execute(pool, SETTLE, [webhook.id, webhook.attempts, answer.status, answer.error, retryMs])
}
