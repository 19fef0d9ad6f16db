import type {
  DueWebhook,
  ListDeliveries,
  WebhookAnswer,
  WebhookDelivery,
  WebhookEndpoint,
} from '../webhooks.ts'

export interface WebhookStore {
  /** Sets the endpoints that are told of runs from now on. */
  publishWebhooks(endpoints: readonly Pick<WebhookEndpoint, 'name' | 'agentKeys'>[]): Promise<void>
  /** Takes some due deliveries of an endpoint. Nobody else takes these for `leaseMs`. */
  takeWebhooks(endpoint: string, leaseMs: number): Promise<DueWebhook[]>
  /** Notes the outcome of a delivery. `retryMs`: when to send it again. Null for never. */
  settleWebhook(
    webhook: Pick<DueWebhook, 'id' | 'attempts'>,
    answer: WebhookAnswer,
    retryMs: number | null,
  ): Promise<void>
  listDeliveries(filter: ListDeliveries & { limit: number }): Promise<WebhookDelivery[]>
  /** Has one sent once more, at once. @returns null when there is none. */
  redeliver(id: string): Promise<WebhookDelivery | null>
}
