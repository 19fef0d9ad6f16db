// Webhooks as the operator sees them.
import { z } from 'zod'
import { parseInput } from '../contract/parse-input.ts'
import { DELIVERY_STATUSES } from '../contract/webhook-delivery.ts'
import type { WebhookDelivery } from '../contract/webhook-delivery.ts'
import type { WebhookStore } from '../ports/store/webhook-store.ts'
import type { ListDeliveries } from '../ports/webhooks.ts'
import { noSuchDelivery } from './caller-webhooks.ts'

/** The deliveries of all webhooks, callers' webhooks included, for code on the server. */
export interface Webhooks {
  /** Newest first. */
  deliveries(filter?: ListDeliveries): Promise<WebhookDelivery[]>
  /**
   * Sends a delivery again with the same `webhook-id`, whether or not it arrived.
   *
   * @throws AgentRuntimeError `not_found`
   */
  redeliver(id: string): Promise<WebhookDelivery>
}

const Filter = z.strictObject({
  runId: z.uuid().optional(),
  status: z.enum(DELIVERY_STATUSES).optional(),
  limit: z.int().min(1).max(200).default(50),
})

export function createWebhooks(store: Pick<WebhookStore, 'listDeliveries' | 'redeliver'>): Webhooks {
  return {
    deliveries: async (filter = {}) => store.listDeliveries(parseInput(Filter, filter)),
    async redeliver(given) {
      const id = parseInput(z.uuid(), given)
      const delivery = await store.redeliver(id)
      if (delivery === null) throw noSuchDelivery(id)
      return delivery
    },
  }
}
