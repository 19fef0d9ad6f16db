// Tells the application's endpoints of runs that end or wait. Each delivery is sent at least once, always with the same
// id.
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { WebhookStore } from '../ports/store/webhook-store.ts'
import type { SendWebhook, WebhookEndpoint } from '../ports/webhooks.ts'
import { LEASE_MS, deliver } from './deliver-webhook.ts'

interface WebhookPorts {
  store: Pick<WebhookStore, 'takeWebhooks' | 'settleWebhook'>
  send: SendWebhook
  clock: Clock
  log: Logger
  random(): number
}

interface WebhookSettings {
  endpoints: readonly WebhookEndpoint[]
  intervalMs: number
  signal: AbortSignal
}

/**
 * Sends due deliveries until `signal` aborts. All processes do this; a delivery that one has taken is not found by
 * another.
 */
export async function runWebhooks(
  ports: WebhookPorts,
  { endpoints, intervalMs, signal }: WebhookSettings,
): Promise<void> {
  const { store, clock, log, random } = ports
  // Each endpoint has its own loop, so a slow one does not delay the others.
  async function serve(endpoint: WebhookEndpoint): Promise<void> {
    while (!signal.aborted) {
      try {
        const due = await store.takeWebhooks(endpoint.name, LEASE_MS)
        await Promise.all(
          due.map((webhook) => deliver(ports, { endpoint, webhook, signal }, { isOurs: true })),
        )
        if (due.length > 0) continue
      } catch (error) {
        log.warn({ err: error }, 'looking for webhooks to send failed; trying again')
      }
      await clock.sleep(intervalMs * (0.75 + random() / 2), signal)
    }
  }
  await Promise.all(endpoints.map(serve))
}
