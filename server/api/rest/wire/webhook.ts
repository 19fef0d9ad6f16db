import { z } from 'zod'
import { NewWebhooks, WebhookEvent } from '../../../contract/webhook.ts'
import { DELIVERY_STATUSES } from '../../../contract/webhook-delivery.ts'
import type {
  StoredWebhook,
  WebhookDelivery,
  WebhookDeliveryDetail,
} from '../../../contract/webhook-delivery.ts'
import { answerSchema } from './named.ts'
import { RestOwner, Time, toRestOwner } from './names.ts'

/** In requests that create a run, or create or change a conversation. Its fields have the same names as tRPC's. */
export const RestNewWebhooks = NewWebhooks.describe(
  'Endpoints that are told when a run waits or is over, if the server allows their hosts.',
)

export type RestWebhook = z.infer<typeof RestWebhook>
export const RestWebhook = answerSchema(
  'Webhook',
  z.object({
    id: z.uuid(),
    owner: RestOwner,
    run_id: z.uuid().nullable(),
    conversation_id: z.uuid().nullable(),
    url: z.string(),
    events: z.array(WebhookEvent),
    created_at: Time,
  }),
)

export const RestWebhooks = answerSchema('Webhooks', z.object({ results: z.array(RestWebhook) }))

export function toRestWebhook(webhook: StoredWebhook): RestWebhook {
  return {
    id: webhook.id,
    owner: toRestOwner(webhook.owner),
    run_id: webhook.runId,
    conversation_id: webhook.conversationId,
    url: webhook.url,
    events: webhook.events,
    created_at: webhook.createdAt,
  }
}

export type RestDelivery = z.infer<typeof RestDelivery>
export const RestDelivery = answerSchema(
  'WebhookDelivery',
  z.object({
    id: z.uuid().describe('The `webhook-id` that the receiver gets.'),
    webhook_id: z.uuid().nullable(),
    endpoint: z.string().describe('The URL.'),
    run_id: z.uuid(),
    event: z.string(),
    status: z.enum(DELIVERY_STATUSES),
    attempts: z.int(),
    next_at: Time.nullable().describe('When it is sent next; null when it is over.'),
    last_status: z.int().nullable().describe('HTTP status of the last answer.'),
    last_error: z.string().nullable(),
    created_at: Time,
    delivered_at: Time.nullable(),
  }),
)

export function toRestDelivery(delivery: WebhookDelivery): RestDelivery {
  return {
    id: delivery.id,
    webhook_id: delivery.webhookId,
    endpoint: delivery.endpoint,
    run_id: delivery.runId,
    event: delivery.event,
    status: delivery.status,
    attempts: delivery.attempts,
    next_at: delivery.nextAt,
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    created_at: delivery.createdAt,
    delivered_at: delivery.deliveredAt,
  }
}

export const RestDeliveryDetail = answerSchema(
  'WebhookDeliveryDetail',
  RestDelivery.extend({
    answers: z
      .array(z.object({ at: Time, status: z.int().nullable(), error: z.string().nullable() }))
      .describe('The results of the newest 20 attempts, oldest first.'),
  }),
)

export function toRestDeliveryDetail(delivery: WebhookDeliveryDetail): z.infer<typeof RestDeliveryDetail> {
  return { ...toRestDelivery(delivery), answers: delivery.answers }
}
