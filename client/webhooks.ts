import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { AgentClient } from './agent-client.ts'
import { ask } from './ask.ts'

export function createWebhooks({ webhooks }: TRPCClient<AgentRouter>): AgentClient['webhooks'] {
  return {
    list: (input, options) => ask(webhooks.list.query, input, options),
    deliveries: (input = {}, options) => ask(webhooks.deliveries.query, input, options),
    delivery: (deliveryId, options) => ask(webhooks.delivery.query, { deliveryId }, options),
    redeliver: (deliveryId, options) => ask(webhooks.redeliver.mutate, { deliveryId }, options),
  }
}
