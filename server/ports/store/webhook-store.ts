import type {
  DueWebhook,
  ListDeliveries,
  WebhookAnswer,
  WebhookDelivery,
  WebhookEndpoint,
} from '../webhooks.ts'

export interface WebhookStore {
  /** From then on these endpoints are told of what happens to runs, and no others. */
  publishWebhooks(endpoints: readonly Pick<WebhookEndpoint, 'name' | 'agentKeys'>[]): Promise<void>
  /** Some that are due for an endpoint. Nobody else takes them for `leaseMs`. */
  takeWebhooks(endpoint: string, leaseMs: number): Promise<DueWebhook[]>
  /** Notes what became of one. `retryMs`: when to send it once more; null for never. */
  settleWebhook(
    webhook: Pick<DueWebhook, 'id' | 'attempts'>,
    answer: WebhookAnswer,
    retryMs: number | null,
  ): Promise<void>
  listDeliveries(filter: ListDeliveries & { limit: number }): Promise<WebhookDelivery[]>
  /** Has one sent once more, at once. @returns null when there is none. */
  redeliver(id: string): Promise<WebhookDelivery | null>
}
