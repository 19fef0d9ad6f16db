// What endpoints are told. A trigger writes it, in the transaction that ends a run or has it wait.
import type pg from 'pg'
import type { WebhookStore } from '../../ports/store/webhook-store.ts'
import type { DueWebhook, WebhookDelivery } from '../../ports/webhooks.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { isLockTimeout } from './patience.ts'
import { toOwner } from './rows.ts'
import type { OwnerColumns } from './rows.ts'

const AT_ONCE = 20

const FORGET = {
  name: 'webhook_forget',
  text: `DELETE FROM agent_runtime.webhook_endpoint WHERE name <> ALL ($1::text[])`,
}

const PUBLISH = {
  name: 'webhook_publish',
  text: `
    INSERT INTO agent_runtime.webhook_endpoint (name, agent_keys, is_bound)
    SELECT name, ARRAY (SELECT jsonb_array_elements_text(CASE keys WHEN 'null' THEN '[]' ELSE keys END)), keys <> 'null'
    FROM unnest($1::text[], $2::jsonb[]) AS e (name, keys)
    ORDER BY name
    ON CONFLICT (name) DO UPDATE SET agent_keys = excluded.agent_keys, is_bound = excluded.is_bound`,
}

// The first endpoint has a trigger turned on, for which no write of runs may be under way, and which later ones wait for. So it gives
// way after a second, and tries again.
const MAX_TRIES = 30
const HAVE_PATIENCE = { name: 'webhook_patience', text: `SELECT set_config('lock_timeout', '1000', true)` }

export async function publishWebhooks(
  pool: pg.Pool,
  endpoints: Parameters<WebhookStore['publishWebhooks']>[0],
): Promise<void> {
  const names = endpoints.map(({ name }) => name)
  const keys = endpoints.map(({ agentKeys }) => JSON.stringify(agentKeys ?? null))
  for (let tries = 1; ; tries += 1) {
    try {
      return await inTransaction(pool, async (client) => {
        await execute(client, HAVE_PATIENCE, [])
        await execute(client, FORGET, [names])
        if (names.length > 0) await execute(client, PUBLISH, [names, keys])
      })
    } catch (error) {
      if (!isLockTimeout(error) || tries === MAX_TRIES) throw error
    }
  }
}

const TAKE = {
  name: 'webhook_take',
  text: `
    WITH due AS (
      SELECT id FROM agent_runtime.webhook_delivery
      WHERE next_at <= now() AND endpoint = $1
      ORDER BY next_at
      LIMIT ${AT_ONCE}
      FOR UPDATE SKIP LOCKED
    ), d AS (
      UPDATE agent_runtime.webhook_delivery d
      SET attempts = attempts + 1, next_at = now() + $2 * interval '1 millisecond'
      FROM due WHERE d.id = due.id
      RETURNING d.*
    )
    SELECT d.id, d.endpoint, d.event, d.seq, d.attempts, d.created_at AS "createdAt", r.id AS "runId",
      r.tenant_id AS "tenantId", r.owner_id AS "ownerId", r.owner_kind AS "ownerKind", r.agent_key AS "agentKey",
      r.conversation_id AS "conversationId", r.metadata
    FROM d JOIN agent_runtime.run r ON r.id = d.run_id`,
}

type DueRow = Omit<DueWebhook, 'run'> &
  OwnerColumns & { runId: string } & Pick<DueWebhook['run'], 'agentKey' | 'conversationId' | 'metadata'>

export async function takeWebhooks(pool: pg.Pool, endpoint: string, leaseMs: number): Promise<DueWebhook[]> {
  const rows = await execute<DueRow>(pool, TAKE, [endpoint, leaseMs])
  return rows.map((row) => {
    const {
      id,
      endpoint: name,
      event,
      seq,
      attempts,
      createdAt,
      runId,
      agentKey,
      conversationId,
      metadata,
    } = row
    const run = { id: runId, owner: toOwner(row), agentKey, conversationId, metadata }
    return { id, endpoint: name, event, seq, attempts, createdAt, run }
  })
}

// Of an attempt that was taken for lost, the one after it tells.
const SETTLE = {
  name: 'webhook_settle',
  text: `
    UPDATE agent_runtime.webhook_delivery SET last_status = $3, last_error = $4,
      next_at = now() + $5 * interval '1 millisecond',
      delivered_at = CASE WHEN $4::text IS NULL THEN now() END
    WHERE id = $1 AND attempts = $2 AND delivered_at IS NULL`,
}

export async function settleWebhook(
  pool: pg.Pool,
  ...[webhook, answer, retryMs]: Parameters<WebhookStore['settleWebhook']>
): Promise<void> {
  await execute(pool, SETTLE, [webhook.id, webhook.attempts, answer.status, answer.error, retryMs])
}

const COLUMNS = `d.id, d.endpoint, d.run_id AS "runId", d.event, d.attempts, d.next_at AS "nextAt", d.last_status AS "lastStatus",
  d.last_error AS "lastError", d.created_at AS "createdAt", d.delivered_at AS "deliveredAt",
  CASE WHEN d.delivered_at IS NOT NULL THEN 'delivered' WHEN d.next_at IS NULL THEN 'failed' ELSE 'pending' END AS status`

interface DeliveryRow extends Omit<WebhookDelivery, 'nextAt' | 'createdAt' | 'deliveredAt'> {
  nextAt: Date | null
  createdAt: Date
  deliveredAt: Date | null
}

const LIST = {
  name: 'webhook_list',
  text: `
    SELECT * FROM (
      SELECT ${COLUMNS} FROM agent_runtime.webhook_delivery d WHERE $1::uuid IS NULL OR d.run_id = $1
    ) d
    WHERE $2::text IS NULL OR status = $2
    ORDER BY "createdAt" DESC, id
    LIMIT $3`,
}

export async function listDeliveries(
  pool: pg.Pool,
  { runId, status, limit }: Parameters<WebhookStore['listDeliveries']>[0],
): Promise<WebhookDelivery[]> {
  return (await execute<DeliveryRow>(pool, LIST, [runId ?? null, status ?? null, limit])).map(toDelivery)
}

const REDELIVER = {
  name: 'webhook_redeliver',
  text: `
    UPDATE agent_runtime.webhook_delivery d SET next_at = now(), delivered_at = NULL
    WHERE d.id = $1
    RETURNING ${COLUMNS}`,
}

export async function redeliver(pool: pg.Pool, id: string): Promise<WebhookDelivery | null> {
  const [row] = await execute<DeliveryRow>(pool, REDELIVER, [id])
  return row === undefined ? null : toDelivery(row)
}

function toDelivery(row: DeliveryRow): WebhookDelivery {
  return {
    ...row,
    nextAt: row.nextAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    deliveredAt: row.deliveredAt?.toISOString() ?? null,
  }
}
