// Sends the deliveries of callers' webhooks, a few of each owner at once. So a slow endpoint only delays other
// deliveries of the same owner.
import type { Clock } from '../ports/clock.ts'
import type { Owner } from '../ports/owner.ts'
import type { WebhookStore } from '../ports/store/webhook-store.ts'
import type { DueCallerWebhook, SendWebhook } from '../ports/webhooks.ts'
import { createDeliveryLanes } from './delivery-lanes.ts'
import { LEASE_MS, deliver } from './deliver-webhook.ts'
import type { DeliverPorts } from './deliver-webhook.ts'
import { createSlowOwners, ownerKey } from './slow-owners.ts'
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

/** After this time a send counts as slow. Most endpoints answer sooner. */
const QUICK_MS = 1_000
/** The time limit for an endpoint that gave no answer the last time. */
const SHORT_PATIENCE_MS = 5_000
const LANES = { maxQuick: 100, maxSlow: 400, quickMs: QUICK_MS, knownSlowMs: SHORT_PATIENCE_MS }

/**
 * Sends until `signal` aborts. All processes do this. An endpoint that hangs does not delay others: after a second it
 * is moved to the slow sends, where it begins the next time.
 */
export async function runCallerWebhooks(
  ports: CallerWebhookPorts,
  { intervalMs, signal, ...hosts }: CallerWebhookSettings,
): Promise<void> {
  const { store, clock, log, random } = ports
  const busy = new Map<string, { owner: Owner; sent: Promise<void> }>()
  const slowOwners = createSlowOwners(() => clock.now())
  let hasRoom = new AbortController()
  const lanes = createDeliveryLanes(clock, LANES, () => hasRoom.abort())
  const send = sendTo(ports.send, hosts)

  async function sendAll(owner: Owner, webhooks: readonly DueCallerWebhook[]): Promise<void> {
    const isKnownSlow = slowOwners.has(owner)
    const way = lanes.enter({ deliveries: webhooks.length, isKnownSlow })
    const sendPatiently: SendWebhook = async (endpoint, webhook, stopped) => {
      const answer = await send(endpoint, webhook, AbortSignal.any([stopped, way.signal]))
      const isAnswered = answer.status !== null
      const isCut = !isAnswered && way.signal.aborted
      // Only an endpoint that had its full time is known to hang. What was cut short must not renew its five minutes.
      if (!isAnswered && !isCut && way.isSlow && !isKnownSlow) slowOwners.add(owner)
      else if (isAnswered && isKnownSlow) slowOwners.delete(owner)
      way.answered()
      return isCut ? { status: null, error: 'It gave no answer in time.' } : answer
    }
    await Promise.all(
      webhooks.map(async (webhook) => {
        const { id: name, url, secret } = webhook.webhook
        const endpoint = { name, url, secrets: [secret], allowPrivate: hosts.allowPrivate } as const
        await deliver({ ...ports, send: sendPatiently }, { endpoint, webhook, signal }, { isOurs: false })
      }),
    )
    busy.delete(ownerKey(owner))
    way.leave()
    hasRoom.abort()
  }

  /** @returns whether anything was due. */
  async function look(): Promise<boolean> {
    const slow = slowOwners.list()
    const underWay = [...busy.values()].map(({ owner }) => owner)
    const owners = { busy: lanes.hasRoomForSlow ? underWay : [...underWay, ...slow], slow }
    const due = await store.takeCallerWebhooks(owners, LEASE_MS)
    for (const [key, webhooks] of Map.groupBy(due, ({ run }) => ownerKey(run.owner))) {
      const [first] = webhooks
      if (first === undefined) continue
      const { owner } = first.run
      busy.set(key, { owner, sent: sendAll(owner, webhooks) })
    }
    return due.length > 0
  }

  while (!signal.aborted) {
    hasRoom = new AbortController()
    try {
      if (lanes.hasRoom && (await look())) continue
    } catch (error) {
      log.warn({ err: error }, "looking for callers' webhooks to send failed; trying again")
    }
    await clock.sleep(intervalMs * (0.75 + random() / 2), AbortSignal.any([signal, hasRoom.signal]))
  }
  await Promise.all([...busy.values()].map(({ sent }) => sent))
}

/** Sends only to hosts that the settings still name. */
function sendTo(send: SendWebhook, hosts: WebhookHosts): SendWebhook {
  return async (endpoint, webhook, signal) =>
    isAllowedUrl(endpoint.url, hosts)
      ? send(endpoint, webhook, signal)
      : { status: null, error: 'The settings no longer allow webhooks to its host.' }
}
