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

/** The run or conversation that webhooks belong to. */
export type WebhookTarget = { runId: string } | { conversationId: string }

export interface WebhookStore {
  /** Sets the application's endpoints. From now on they are told of runs. */
  publishWebhooks(endpoints: readonly Pick<WebhookEndpoint, 'name' | 'agentKeys'>[]): Promise<void>
  /**
   * Makes the database create deliveries, which it does not do before the first webhook. Call it before a webhook is
   * stored.
   */
  enableWebhooks(): Promise<void>
  /** Takes some due deliveries of an endpoint. No other process takes them for `leaseMs`. */
  takeWebhooks(endpoint: string, leaseMs: number): Promise<DueWebhook[]>
  /**
   * Takes due deliveries of callers' webhooks: a few of each owner, one of each owner in `slow`, and none of those in
   * `busy`.
   */
  takeCallerWebhooks(
    owners: { busy: readonly Owner[]; slow: readonly Owner[] },
    leaseMs: number,
  ): Promise<DueCallerWebhook[]>
  /** Notes the outcome of a delivery. `retryMs`: milliseconds until it is sent again; null for never. */
  settleWebhook(
    webhook: Pick<DueWebhook, 'id' | 'attempts'>,
    answer: WebhookAnswer,
    retryMs: number | null,
  ): Promise<void>
  /** Deliveries to all endpoints, of the application and of callers. */
  listDeliveries(filter: ListDeliveries & { limit: number }): Promise<WebhookDelivery[]>
  /** Sends a delivery once more, at once. @returns null when it does not exist. */
  redeliver(id: string): Promise<WebhookDelivery | null>
  /** As `redeliver`, only for a webhook of this owner. */
  redeliverOwn(owner: Owner, id: string): Promise<WebhookDelivery | null>
  /** The webhooks that callers gave. Null when the run or conversation does not exist. */
  listWebhooks(reach: Reach, target: WebhookTarget): Promise<StoredWebhook[] | null>
  /** Deliveries to callers' webhooks. */
  listCallerDeliveries(
    reach: Reach,
    filter: Omit<ListDeliveriesInput, 'cursor' | 'scope'>,
    cursor: PageCursor | null,
  ): Promise<Page<WebhookDelivery>>
  getDelivery(reach: Reach, id: string): Promise<(WebhookDeliveryDetail & { owner: Owner }) | null>
}
