// Sends what callers' webhooks are to be told. Of one owner a few at once: a slow endpoint holds up that owner's others alone.
import type { Clock } from '../ports/clock.ts'
import { ownerOf } from '../ports/owner.ts'
import type { Owner } from '../ports/owner.ts'
import type { WebhookStore } from '../ports/store/webhook-store.ts'
import type { DueCallerWebhook, SendWebhook } from '../ports/webhooks.ts'
import { LEASE_MS, deliver } from './deliver-webhook.ts'
import type { DeliverPorts } from './deliver-webhook.ts'
import { isAllowedUrl } from './webhook-hosts.ts'
import type { WebhookHosts } from './webhook-hosts.ts'

interface CallerWebhookPorts extends DeliverPorts {
  store: Pick<WebhookStore, 'takeCallerWebhooks' | 'settleWebhook'>
  clock: Clock
}

interface CallerWebhookSettings extends WebhookHosts {
  intervalMs: number
  signal: AbortSignal
}

/** Owners whose webhooks a process sends at the same time. */
const MAX_BUSY = 50

/** Until `signal` aborts. All processes do. */
export async function runCallerWebhooks(
  ports: CallerWebhookPorts,
  { intervalMs, signal, ...hosts }: CallerWebhookSettings,
): Promise<void> {
  const { store, clock, log, random } = ports
  const busy = new Map<string, { owner: Owner; sent: Promise<void> }>()
  const send = sendTo(ports.send, hosts)
  let hasRoom = new AbortController()

  async function sendOne(due: DueCallerWebhook): Promise<void> {
    const { id: name, url, secret } = due.webhook
    const endpoint = { name, url, secrets: [secret], allowPrivate: hosts.allowPrivate } as const
    await deliver({ ...ports, send }, { endpoint, webhook: due, signal }, { isOurs: false })
  }

  async function sendAll(key: string, webhooks: readonly DueCallerWebhook[]): Promise<void> {
    await Promise.all(webhooks.map(sendOne))
    busy.delete(key)
    hasRoom.abort()
  }

  /** @returns whether anything was due. */
  async function look(): Promise<boolean> {
    const owners = [...busy.values()].map(({ owner }) => owner)
    const due = await store.takeCallerWebhooks(owners, LEASE_MS)
    for (const [key, webhooks] of Map.groupBy(due, ({ run }) => JSON.stringify(ownerOf(run.owner)))) {
      const [first] = webhooks
      if (first !== undefined) busy.set(key, { owner: first.run.owner, sent: sendAll(key, webhooks) })
    }
    return due.length > 0
  }

  while (!signal.aborted) {
    try {
      if (busy.size < MAX_BUSY && (await look())) continue
    } catch (error) {
      log.warn({ err: error }, "looking for callers' webhooks to send failed; trying again")
    }
    hasRoom = new AbortController()
    await clock.sleep(intervalMs * (0.75 + random() / 2), AbortSignal.any([signal, hasRoom.signal]))
  }
  await Promise.all([...busy.values()].map(({ sent }) => sent))
}

/** A host that the settings no longer name is not asked any more. */
function sendTo(send: SendWebhook, hosts: WebhookHosts): SendWebhook {
  return async (endpoint, webhook, signal) =>
    isAllowedUrl(endpoint.url, hosts)
      ? send(endpoint, webhook, signal)
      : { status: null, error: 'Its host is none of those that may be told.' }
}
