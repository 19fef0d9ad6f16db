import type pg from 'pg'
import type { WebhookDelivery } from '../../contract/webhook-delivery.ts'
import type { Owner } from '../../ports/owner.ts'
import type { WebhookStore } from '../../ports/store/webhook-store.ts'
import { execute } from '../connections/transaction.ts'
import { isOwned, ownerValues } from '../owned-by.ts'

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
