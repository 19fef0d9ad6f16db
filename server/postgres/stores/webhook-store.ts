import type { WebhookStore } from '../../ports/store/webhook-store.ts'
import * as ofCallers from '../statements/caller-webhooks.ts'
import * as webhooks from '../statements/webhooks.ts'
import type { StoreParts } from './store-parts.ts'

export function createWebhookStore({ pool }: Pick<StoreParts, 'pool'>): WebhookStore {
  return {
    publishWebhooks: (endpoints) => webhooks.publishWebhooks(pool, endpoints),
    enableWebhooks: () => webhooks.enableWebhooks(pool),
    takeWebhooks: (endpoint, leaseMs) => webhooks.takeWebhooks(pool, endpoint, leaseMs),
    takeCallerWebhooks: (busy, leaseMs) => webhooks.takeCallerWebhooks(pool, busy, leaseMs),
    settleWebhook: (...settled) => webhooks.settleWebhook(pool, ...settled),
    listDeliveries: (filter) => webhooks.listDeliveries(pool, filter),
    redeliver: (id) => webhooks.redeliver(pool, id),
    redeliverOwn: (owner, id) => webhooks.redeliverOwn(pool, owner, id),
    listWebhooks: (reach, target) => ofCallers.listWebhooks(pool, reach, target),
    listCallerDeliveries: (reach, filter, cursor) =>
      ofCallers.listCallerDeliveries(pool, { reach, filter, cursor }),
    getDelivery: (reach, id) => ofCallers.getDelivery(pool, reach, id),
  }
}
