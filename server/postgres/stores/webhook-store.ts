import type { WebhookStore } from '../../ports/store/webhook-store.ts'
import * as webhooks from '../statements/webhooks.ts'
import type { StoreParts } from './store-parts.ts'

export function createWebhookStore({ pool }: Pick<StoreParts, 'pool'>): WebhookStore {
  return {
    publishWebhooks: (endpoints) => webhooks.publishWebhooks(pool, endpoints),
    takeWebhooks: (endpoint, leaseMs) => webhooks.takeWebhooks(pool, endpoint, leaseMs),
    settleWebhook: (...settled) => webhooks.settleWebhook(pool, ...settled),
    listDeliveries: (filter) => webhooks.listDeliveries(pool, filter),
    redeliver: (id) => webhooks.redeliver(pool, id),
  }
}
