// Deliveries of webhooks. A trigger writes them, in the transaction that ends a run or makes it wait.
import type pg from 'pg'
import type { WebhookDelivery } from '../../contract/webhook-delivery.ts'
import type { Owner } from '../../ports/owner.ts'
import type { WebhookStore } from '../../ports/store/webhook-store.ts'
import type { DueCallerWebhook, DueWebhook } from '../../ports/webhooks.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { haveOneOwner, isOwned, ownerColumns, ownerValues } from '../owned-by.ts'
import { isLockTimeout } from './patience.ts'
import { toOwner } from '../rows/owner-columns.ts'
import type { OwnerColumns } from '../rows/owner-columns.ts'

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

// The first endpoint enables a trigger. This needs a moment without writes to runs, and makes later writes wait. So it
// gives up after a second and tries again.
const MAX_TRIES = 30
const HAVE_PATIENCE = { name: 'webhook_patience', text: `SELECT set_config('lock_timeout', '1000', true)` }

export async function publishWebhooks(
  pool: pg.Pool,
  endpoints: Parameters<WebhookStore['publishWebhooks']>[0],
): Promise<void> {
  const names = endpoints.map(({ name }) => name)
  const keys = endpoints.map(({ agentKeys }) => JSON.stringify(agentKeys ?? null))
  await givingWay(pool, async (client) => {
    await execute(client, FORGET, [names])
    if (names.length > 0) await execute(client, PUBLISH, [names, keys])
  })
}

async function givingWay(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await inTransaction(pool, async (client) => {
        await execute(client, HAVE_PATIENCE, [])
        await work(client)
      })
      return
    } catch (error) {
      if (!isLockTimeout(error) || tries === MAX_TRIES) throw error
    }
  }
}

const IS_OFF = {
  name: 'webhook_is_off',
  text: `
    SELECT FROM pg_trigger
    WHERE tgrelid = 'agent_runtime.run'::regclass AND tgname = 'note_webhooks' AND tgenabled = 'D'`,
}

const ENABLE = { name: 'webhook_enable', text: `SELECT agent_runtime.enable_webhooks()` }

export async function enableWebhooks(pool: pg.Pool): Promise<void> {
  if ((await execute(pool, IS_OFF, [])).length === 0) return
  await givingWay(pool, (client) => execute(client, ENABLE, []))
}

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

/** The select list of a {@link DeliveryRow}, for tables named `r` and `w`. */
export const DELIVERY_COLUMNS = `r.id, r.webhook_id AS "webhookId", COALESCE(r.endpoint, w.url) AS endpoint, r.run_id AS "runId", r.event,
  r.attempts, r.next_at AS "nextAt", r.last_status AS "lastStatus", r.last_error AS "lastError", r.created_at AS "createdAt",
  r.delivered_at AS "deliveredAt", ${statusOf('r')} AS status`

export function statusOf(delivery: string): string {
  return `CASE WHEN ${delivery}.delivered_at IS NOT NULL THEN 'delivered' WHEN ${delivery}.next_at IS NULL THEN 'failed' ELSE 'pending' END`
}

export interface DeliveryRow extends Omit<WebhookDelivery, 'nextAt' | 'createdAt' | 'deliveredAt'> {
  nextAt: Date | null
  createdAt: Date
  deliveredAt: Date | null
}

const LIST = {
  name: 'webhook_list',
  text: `
    SELECT ${DELIVERY_COLUMNS}
    FROM agent_runtime.webhook_delivery r LEFT JOIN agent_runtime.webhook w ON w.id = r.webhook_id
    WHERE ($1::uuid IS NULL OR r.run_id = $1) AND ($2::text IS NULL OR ${statusOf('r')} = $2)
    ORDER BY r.created_at DESC, r.id
    LIMIT $3`,
}

export async function listDeliveries(
  pool: pg.Pool,
  { runId, status, limit }: Parameters<WebhookStore['listDeliveries']>[0],
): Promise<WebhookDelivery[]> {
  return (await execute<DeliveryRow>(pool, LIST, [runId ?? null, status ?? null, limit])).map(toDelivery)
}

const redelivering = (name: string, isMeant: string) => ({
  name,
  text: `
    WITH r AS (
      UPDATE agent_runtime.webhook_delivery d SET next_at = now(), delivered_at = NULL
      WHERE d.id = $1 AND ${isMeant}
      RETURNING *
    )
    SELECT ${DELIVERY_COLUMNS} FROM r LEFT JOIN agent_runtime.webhook w ON w.id = r.webhook_id`,
})
const REDELIVER = redelivering('webhook_redeliver', 'true')
const REDELIVER_OWN = redelivering('webhook_redeliver_own', `d.webhook_id IS NOT NULL AND ${isOwned('d', 2)}`)

export async function redeliver(pool: pg.Pool, id: string): Promise<WebhookDelivery | null> {
  const [row] = await execute<DeliveryRow>(pool, REDELIVER, [id])
  return row === undefined ? null : toDelivery(row)
}

export async function redeliverOwn(pool: pg.Pool, owner: Owner, id: string): Promise<WebhookDelivery | null> {
  const [row] = await execute<DeliveryRow>(pool, REDELIVER_OWN, [id, ...ownerValues(owner)])
  return row === undefined ? null : toDelivery(row)
}

export function toDelivery(row: DeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    webhookId: row.webhookId,
    endpoint: row.endpoint,
    runId: row.runId,
    event: row.event,
    status: row.status,
    attempts: row.attempts,
    nextAt: row.nextAt?.toISOString() ?? null,
    lastStatus: row.lastStatus,
    lastError: row.lastError,
    createdAt: row.createdAt.toISOString(),
    deliveredAt: row.deliveredAt?.toISOString() ?? null,
  }
}
