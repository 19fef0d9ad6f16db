// Webhooks that callers gave, and their deliveries.
import type pg from 'pg'
import type { Page, PageCursor } from '../../contract/page.ts'
import type {
  ListDeliveriesInput,
  StoredWebhook,
  WebhookAttempt,
  WebhookDelivery,
} from '../../contract/webhook-delivery.ts'
import { WebhookEvent } from '../../contract/webhook.ts'
import type { NewWebhook } from '../../contract/webhook.ts'
import type { NewRun } from '../../ports/create-run.ts'
import type { Owner, Reach } from '../../ports/owner.ts'
import type { WebhookStore, WebhookTarget } from '../../ports/store/webhook-store.ts'
import { execute } from '../connections/transaction.ts'
import type { Executor, Statement } from '../connections/transaction.ts'
import { forEachScope, isReached, ownerColumns, reachValues } from '../owned-by.ts'
import { listRows } from './list-rows.ts'
import { toOwner } from '../rows/owner-columns.ts'
import type { OwnerColumns } from '../rows/owner-columns.ts'
import { DELIVERY_COLUMNS, statusOf, toDelivery } from './webhook-deliveries.ts'
import type { DeliveryRow } from './webhook-deliveries.ts'

const insertion = (name: string, onConflict: string) => ({
  name,
  text: `
    INSERT INTO agent_runtime.webhook (tenant_id, owner_id, owner_kind, run_id, conversation_id, url, secret, events)
    SELECT n.tenant_id, n.owner_id, n.owner_kind, n.run_id, n.conversation_id, n.url, n.secret,
      ARRAY (SELECT jsonb_array_elements_text(n.events))
    FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::jsonb[])
      AS n (tenant_id, owner_id, owner_kind, run_id, conversation_id, url, secret, events)
    ON CONFLICT ${onConflict}`,
})

const INSERT_OF_RUNS = insertion('caller_webhooks_insert_of_runs', 'DO NOTHING')
const INSERT_OF_CONVERSATION = insertion(
  'caller_webhooks_insert_of_conversation',
  `(conversation_id, url) WHERE conversation_id IS NOT NULL
      DO UPDATE SET secret = excluded.secret, events = excluded.events`,
)

interface Given {
  owner: Owner
  runId: string | null
  conversationId: string | null
  webhook: NewWebhook
}

async function insert(executor: Executor, statement: Statement, given: readonly Given[]): Promise<void> {
  if (given.length === 0) return
  await execute(executor, statement, [
    ...ownerColumns(given.map(({ owner }) => owner)),
    given.map(({ runId }) => runId),
    given.map(({ conversationId }) => conversationId),
    given.map(({ webhook }) => webhook.url),
    given.map(({ webhook }) => webhook.secret),
    given.map(({ webhook }) => JSON.stringify(webhook.events ?? [])),
  ])
}

/** Inserts the webhooks of runs that were just inserted. */
export function insertWebhooksOfRuns(executor: Executor, runs: readonly NewRun[]): Promise<void> {
  return insert(
    executor,
    INSERT_OF_RUNS,
    runs.flatMap(({ id, principal, webhooks }) =>
      webhooks.map((webhook) => ({ owner: principal, runId: id, conversationId: null, webhook })),
    ),
  )
}

interface OfConversation {
  owner: Owner
  conversationId: string
  webhooks: readonly NewWebhook[]
}

/** Inserts the webhooks of a conversation that was just created, or whose row is locked. */
export function insertWebhooksOfConversation(
  executor: Executor,
  { owner, conversationId, webhooks }: OfConversation,
): Promise<void> {
  return insert(
    executor,
    INSERT_OF_CONVERSATION,
    webhooks.map((webhook) => ({ owner, runId: null, conversationId, webhook })),
  )
}

const FORGET = {
  name: 'caller_webhooks_forget',
  text: `DELETE FROM agent_runtime.webhook WHERE conversation_id = $1 AND url <> ALL ($2::text[])`,
}

/** Replaces the webhooks of a conversation whose row is locked. */
export async function replaceWebhooks(executor: Executor, given: OfConversation): Promise<void> {
  await execute(executor, FORGET, [given.conversationId, given.webhooks.map(({ url }) => url)])
  await insertWebhooksOfConversation(executor, given)
}

const LIST = forEachScope(
  'caller_webhooks_list',
  (scope) => `
    SELECT w.id, t.tenant_id AS "tenantId", t.owner_id AS "ownerId", t.owner_kind AS "ownerKind", w.run_id AS "runId",
      w.conversation_id AS "conversationId", w.url, w.events, w.created_at AS "createdAt"
    FROM (
      SELECT r.id, r.tenant_id, r.owner_id, r.owner_kind FROM agent_runtime.run r WHERE r.id = $1
      UNION ALL
      SELECT c.id, c.tenant_id, c.owner_id, c.owner_kind FROM agent_runtime.conversation c
      WHERE c.id = $2 AND c.deleted_at IS NULL
    ) t
    LEFT JOIN agent_runtime.webhook w ON w.run_id = $1 OR w.conversation_id = $2
    WHERE ${isReached(scope, 't', 3)}
    ORDER BY w.created_at, w.url`,
)

type WebhookRow = OwnerColumns &
  Omit<StoredWebhook, 'id' | 'owner' | 'createdAt'> & { id: string | null; createdAt: Date }

export async function listWebhooks(
  pool: pg.Pool,
  reach: Reach,
  target: WebhookTarget,
): Promise<StoredWebhook[] | null> {
  const { runId = null, conversationId = null } = { ...target } as { runId?: string; conversationId?: string }
  const values = [runId, conversationId, ...reachValues(reach)]
  const rows = await execute<WebhookRow>(pool, LIST[reach.scope], values)
  if (rows.length === 0) return null
  return rows.flatMap((row) => (row.id === null ? [] : [toWebhook({ ...row, id: row.id })]))
}

function toWebhook(row: WebhookRow & { id: string }): StoredWebhook {
  const { id, runId, conversationId, url, events, createdAt } = row
  return {
    id,
    owner: toOwner(row),
    runId,
    conversationId,
    url,
    events: events.length === 0 ? [...WebhookEvent.options] : events,
    createdAt: createdAt.toISOString(),
  }
}

/** The same columns for lists, which only have the table `r`. */
const LISTED_COLUMNS = DELIVERY_COLUMNS.replace(
  'w.url',
  '(SELECT w.url FROM agent_runtime.webhook w WHERE w.id = r.webhook_id)',
)

export function listCallerDeliveries(
  pool: pg.Pool,
  query: { reach: Reach; filter: Omit<ListDeliveriesInput, 'cursor' | 'scope'>; cursor: PageCursor | null },
): Promise<Page<WebhookDelivery>> {
  const { limit, ...filter } = query.filter
  return listRows<DeliveryRow, WebhookDelivery, typeof filter>(
    pool,
    {
      table: 'webhook_delivery',
      columns: LISTED_COLUMNS,
      large: [],
      filters: {
        runId: ['run_id', (value) => `r.run_id = ${value}::uuid`],
        webhookId: ['webhook_id', (value) => `r.webhook_id = ${value}::uuid`],
        status: ['status', (value) => `${statusOf('r')} = ${value}::text`],
      },
      existing: 'r.webhook_id IS NOT NULL',
      toItem: toDelivery,
    },
    { ...query, filter, limit },
  )
}

const GET = forEachScope(
  'caller_webhooks_get_delivery',
  (scope) => `
    SELECT ${DELIVERY_COLUMNS}, r.answers, r.tenant_id AS "tenantId", r.owner_id AS "ownerId", r.owner_kind AS "ownerKind"
    FROM agent_runtime.webhook_delivery r JOIN agent_runtime.webhook w ON w.id = r.webhook_id
    WHERE r.id = $1 AND ${isReached(scope, 'r', 2)}`,
)

export async function getDelivery(
  pool: pg.Pool,
  reach: Reach,
  id: string,
): ReturnType<WebhookStore['getDelivery']> {
  const [row] = await execute<DeliveryRow & OwnerColumns & { answers: WebhookAttempt[] }>(
    pool,
    GET[reach.scope],
    [id, ...reachValues(reach)],
  )
  if (row === undefined) return null
  const answers = row.answers.map(({ at, ...answer }) => ({ at: new Date(at).toISOString(), ...answer }))
  return { ...toDelivery(row), answers, owner: toOwner(row) }
}
