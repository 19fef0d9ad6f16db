import type { Owner } from '../contract/principal.ts'
import type { WebhookDelivery } from '../contract/webhook-delivery.ts'

/** An endpoint that is told of runs that end or wait. */
export interface WebhookEndpoint {
  /** Its name in deliveries. Unique, and the same in every process and version. */
  name: string
  /** `https:`, or `http:` in a private network. */
  url: string
  /**
   * Secrets with which receivers verify signatures: `whsec_` and 24 to 64 bytes in base64. If there are two, both sign,
   * so that receivers can change over from the second to the first.
   */
  secrets: readonly [current: string, previous?: string]
  /** Only tell it of runs of these agents. Default: all agents. */
  agentKeys?: readonly string[]
  /** Whether its address may be one that is not public, such as the loopback or a private network. Default: false. */
  allowPrivate?: boolean
}

/** A delivery whose time has come. */
export interface DueWebhook {
  id: string
  event: string
  seq: number
  /** How often it was sent, this attempt included. */
  attempts: number
  createdAt: Date
  run: { id: string; owner: Owner; agentKey: string; conversationId: string | null; metadata: unknown }
}

/** A due delivery to a caller's webhook. */
export interface DueCallerWebhook extends DueWebhook {
  webhook: { id: string; url: string; secret: string }
}

/** The outcome of one attempt to send. */
export interface WebhookAnswer {
  /** HTTP status; null when there was no answer. */
  status: number | null
  /** Null when it arrived. */
  error: string | null
}

/** Sends a delivery, unless `signal` aborts before it is answered. Never rejects. */
export type SendWebhook = (
  endpoint: WebhookEndpoint,
  webhook: { id: string; body: string },
  signal: AbortSignal,
) => Promise<WebhookAnswer>

export interface ListDeliveries {
  runId?: string | undefined
  status?: WebhookDelivery['status'] | undefined
  /** At most 200. Default: 50. */
  limit?: number | undefined
}
