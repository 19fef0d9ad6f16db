import type { Page, PageCursor } from '../../contract/page.ts'
import type {
  ListDeliveriesInput,
  StoredWebhook,
  WebhookDelivery,
  WebhookDeliveryDetail,
} from '../../contract/webhook-delivery.ts'
import type { Owner, Reach } from '../owner.ts'
import type {
  DueCallerWebhook,
  DueWebhook,
  ListDeliveries,
  WebhookAnswer,
  WebhookEndpoint,
} from '../webhooks.ts'

/** Whose webhooks: those of a run, or of a conversation. */
export type WebhookTarget = { runId: string } | { conversationId: string }

export interface WebhookStore {
  /** Sets the endpoints that are told of runs from now on. */
  publishWebhooks(endpoints: readonly Pick<WebhookEndpoint, 'name' | 'agentKeys'>[]): Promise<void>
  /** Has the database note what there is to tell, which it does not before the first webhook. To be called before one is stored. */
  enableWebhooks(): Promise<void>
  /** Takes some due deliveries of an endpoint. Nobody else takes these for `leaseMs`. */
  takeWebhooks(endpoint: string, leaseMs: number): Promise<DueWebhook[]>
  /** The same of callers' webhooks: a few of each owner, one of each who is `slow`, and none of those who are `busy`. */
  takeCallerWebhooks(
    owners: { busy: readonly Owner[]; slow: readonly Owner[] },
    leaseMs: number,
  ): Promise<DueCallerWebhook[]>
  /** Notes the outcome of a delivery. `retryMs`: when to send it again. Null for never. */
  settleWebhook(
    webhook: Pick<DueWebhook, 'id' | 'attempts'>,
    answer: WebhookAnswer,
    retryMs: number | null,
  ): Promise<void>
  /** Of all endpoints, whosever. */
  listDeliveries(filter: ListDeliveries & { limit: number }): Promise<WebhookDelivery[]>
  /** Has one sent once more, at once. @returns null when there is none. */
  redeliver(id: string): Promise<WebhookDelivery | null>
  /** The same of one to a webhook of the owner's. */
  redeliverOwn(owner: Owner, id: string): Promise<WebhookDelivery | null>
  /** Those that callers gave. Null where the run, or the conversation, is not there. */
  listWebhooks(reach: Reach, target: WebhookTarget): Promise<StoredWebhook[] | null>
  /** Of callers' webhooks. */
  listCallerDeliveries(
    reach: Reach,
    filter: Omit<ListDeliveriesInput, 'cursor' | 'scope'>,
    cursor: PageCursor | null,
  ): Promise<Page<WebhookDelivery>>
  getDelivery(reach: Reach, id: string): Promise<(WebhookDeliveryDetail & { owner: Owner }) | null>
}
