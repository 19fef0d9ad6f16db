import { z } from 'zod'
import { pageLimit } from './page.ts'
import { Owner } from './principal.ts'
import { ConversationId, RunId } from './run.ts'
import { Scope } from './scope.ts'
import { WebhookEvent } from './webhook.ts'

const WebhookId = z.uuid('a webhook id is a UUID')

/** A webhook that a caller has given, without its secret. */
export type StoredWebhook = z.infer<typeof StoredWebhook>
export const StoredWebhook = z.object({
  id: WebhookId,
  owner: Owner,
  /** What it is told of: a run, or the runs of a conversation. */
  runId: RunId.nullable(),
  conversationId: ConversationId.nullable(),
  url: z.string(),
  events: z.array(WebhookEvent),
  createdAt: z.iso.datetime(),
})

/** What tells a webhook from others. */
export type WebhookSummary = Pick<StoredWebhook, 'id' | 'owner' | 'url'>

/** Whose webhooks to list: those of a run, or of a conversation. */
export type ListWebhooksRequest = z.input<typeof ListWebhooksInput>
export const ListWebhooksInput = z
  .object({ runId: RunId.optional(), conversationId: ConversationId.optional() })
  .refine(({ runId, conversationId }) => (runId === undefined) !== (conversationId === undefined), {
    path: ['runId'],
    error: 'webhooks are those of a run or of a conversation: name one of the two',
  })

export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed'] as const

/** What an endpoint is told of a run, or was. Times are ISO 8601 in UTC. */
export type WebhookDelivery = z.infer<typeof WebhookDelivery>
export const WebhookDelivery = z.object({
  /** The `webhook-id` that its receiver is told, however often it is sent. */
  id: z.uuid(),
  /** The webhook of a caller's that it is for; null where it is for an endpoint of the runtime's. */
  webhookId: WebhookId.nullable(),
  /** The name of the runtime's endpoint, or the URL of the caller's webhook. */
  endpoint: z.string(),
  runId: RunId,
  event: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  attempts: z.int(),
  /** When it is sent next; null when it is over. */
  nextAt: z.iso.datetime().nullable(),
  /** HTTP status of the last answer. */
  lastStatus: z.int().nullable(),
  lastError: z.string().nullable(),
  createdAt: z.iso.datetime(),
  deliveredAt: z.iso.datetime().nullable(),
})

/** What became of an attempt to send. */
export type WebhookAttempt = z.infer<typeof WebhookAttempt>
export const WebhookAttempt = z.object({
  at: z.iso.datetime(),
  /** HTTP status of the answer; null where there was none. */
  status: z.int().nullable(),
  /** Null where it arrived. */
  error: z.string().nullable(),
})

/** A delivery with what became of each attempt: the newest 20, oldest first. */
export type WebhookDeliveryDetail = z.infer<typeof WebhookDeliveryDetail>
export const WebhookDeliveryDetail = WebhookDelivery.extend({ answers: z.array(WebhookAttempt) })

export const DeliveryRef = z.object({ deliveryId: z.uuid('a delivery id is a UUID') })

/** Which deliveries to list, with the defaults left out. */
export type ListDeliveriesRequest = z.input<typeof ListDeliveriesInput>
export type ListDeliveriesInput = z.infer<typeof ListDeliveriesInput>
export const ListDeliveriesInput = z.object({
  runId: RunId.optional(),
  webhookId: WebhookId.optional(),
  status: z.enum(DELIVERY_STATUSES).optional(),
  /** Whose: one's own, one's tenant's or anybody's, as far as `authorize` allows. Default: `own`. */
  scope: Scope.default('own'),
  limit: pageLimit(200, 50),
  cursor: z.string().optional(),
})
