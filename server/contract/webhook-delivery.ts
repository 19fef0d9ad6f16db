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
  /** The run, or the conversation, that it is told of. */
  runId: RunId.nullable(),
  conversationId: ConversationId.nullable(),
  url: z.string(),
  events: z.array(WebhookEvent),
  createdAt: z.iso.datetime(),
})

/** A webhook in short. */
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

/** A message to an endpoint about a run, sent or pending. Times are ISO 8601 in UTC. */
export type WebhookDelivery = z.infer<typeof WebhookDelivery>
export const WebhookDelivery = z.object({
  /** The `webhook-id`, the same however often it is sent. */
  id: z.uuid(),
  /** The caller's webhook that it is for; null if it is for an endpoint of the runtime. */
  webhookId: WebhookId.nullable(),
  /** The name of the runtime's endpoint, or the URL of the caller's webhook. */
  endpoint: z.string(),
  runId: RunId,
  event: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  attempts: z.int(),
  /** When it is sent next; null if it is not sent again. */
  nextAt: z.iso.datetime().nullable(),
  /** HTTP status of the last answer. */
  lastStatus: z.int().nullable(),
  lastError: z.string().nullable(),
  createdAt: z.iso.datetime(),
  deliveredAt: z.iso.datetime().nullable(),
})

/** The result of an attempt to send. */
export type WebhookAttempt = z.infer<typeof WebhookAttempt>
export const WebhookAttempt = z.object({
  at: z.iso.datetime(),
  /** HTTP status of the answer; null if there was none. */
  status: z.int().nullable(),
  /** Null if it arrived. */
  error: z.string().nullable(),
})

/** A delivery with the results of its newest 20 attempts, oldest first. */
export type WebhookDeliveryDetail = z.infer<typeof WebhookDeliveryDetail>
export const WebhookDeliveryDetail = WebhookDelivery.extend({ answers: z.array(WebhookAttempt) })

export const DeliveryRef = z.object({ deliveryId: z.uuid('a delivery id is a UUID') })

/** The deliveries to list, without the defaults. */
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
