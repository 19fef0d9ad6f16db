import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { AgentClient } from './agent-client.ts'
import { call } from './trpc-transport.ts'

export function createWebhooks({ webhooks }: TRPCClient<AgentRouter>): AgentClient['webhooks'] {
  return {
    list: (input, options = {}) => call(webhooks.list.query(input, options), options.signal),
    deliveries: (input = {}, options = {}) => call(webhooks.deliveries.query(input, options), options.signal),
    delivery: (deliveryId, options = {}) =>
      call(webhooks.delivery.query({ deliveryId }, options), options.signal),
    redeliver: (deliveryId, options = {}) =>
      call(webhooks.redeliver.mutate({ deliveryId }, options), options.signal),
  }
}
