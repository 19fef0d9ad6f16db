import type { WebhookStore } from '../../ports/store/webhook-store.ts'
import * as ofCallers from '../statements/caller-webhooks.ts'
import * as due from '../statements/due-webhooks.ts'
import * as deliveries from '../statements/webhook-deliveries.ts'
import * as endpoints from '../statements/webhook-endpoints.ts'
import type { StoreParts } from './store-parts.ts'

export function createWebhookStore({ pool }: Pick<StoreParts, 'pool'>): WebhookStore {
  return {
    publishWebhooks: (wanted) => endpoints.publishWebhooks(pool, wanted),
    enableWebhooks: () => endpoints.enableWebhooks(pool),
    takeWebhooks: (endpoint, leaseMs) => due.takeWebhooks(pool, endpoint, leaseMs),
    takeCallerWebhooks: (busy, leaseMs) => due.takeCallerWebhooks(pool, busy, leaseMs),
    settleWebhook: (...settled) => due.settleWebhook(pool, ...settled),
    listDeliveries: (filter) => deliveries.listDeliveries(pool, filter),
    redeliver: (id) => deliveries.redeliver(pool, id),
    redeliverOwn: (owner, id) => deliveries.redeliverOwn(pool, owner, id),
    listWebhooks: (reach, target) => ofCallers.listWebhooks(pool, reach, target),
    listCallerDeliveries: (reach, filter, cursor) =>
      ofCallers.listCallerDeliveries(pool, { reach, filter, cursor }),
    getDelivery: (reach, id) => ofCallers.getDelivery(pool, reach, id),
  }
}
