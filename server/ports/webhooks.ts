import type { Owner } from '../contract/principal.ts'
import type { WebhookDelivery } from '../contract/webhook-delivery.ts'

/** An endpoint that is told of runs that end or wait. */
export interface WebhookEndpoint {
  /** Its name in deliveries. Unique, and the same in every process and version. */
  name: string
  /** `https:`, or `http:` in a network of one's own. */
  url: string
  /**
   * What receivers verify signatures with: `whsec_` and 24 to 64 bytes in base64. Of two, both sign, so that the second can be
   * replaced at the receiver meanwhile.
   */
  secrets: readonly [current: string, previous?: string]
  /** Only of runs of these agents. Default: of all. */
  agentKeys?: readonly string[]
  /** Whether it may be at an address that is not public: the loopback, a network of one's own. Default: false. */
  allowPrivate?: boolean
}

/** A delivery whose time has come. */
export interface DueWebhook {
  id: string
  event: string
  seq: number
  /** This one included. */
  attempts: number
  createdAt: Date
  run: { id: string; owner: Owner; agentKey: string; conversationId: string | null; metadata: unknown }
}

/** One to a webhook of a caller's. */
export interface DueCallerWebhook extends DueWebhook {
  webhook: { id: string; url: string; secret: string }
}

/** The outcome of an attempt to send. */
export interface WebhookAnswer {
  /** HTTP status; null where there was no answer. */
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
