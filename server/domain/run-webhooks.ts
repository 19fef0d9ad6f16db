// Tells endpoints of runs that end or wait. Each delivery is sent at least once, always under the same id.
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

/** Sends what is due, until `signal` aborts. All processes do. A delivery that one has taken no other finds. */
export async function runWebhooks(
  ports: WebhookPorts,
  { endpoints, intervalMs, signal }: WebhookSettings,
): Promise<void> {
  const { store, clock, log, random } = ports
  // Each is sent by itself, so a slow one holds up no other.
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
