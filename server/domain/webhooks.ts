// Tells endpoints of runs that end or wait. Each delivery is sent at least once, always under the same id.
import { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { parseInput } from '../contract/parse-input.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { WebhookStore } from '../ports/store/webhook-store.ts'
import type {
  DueWebhook,
  ListDeliveries,
  SendWebhook,
  WebhookAnswer,
  WebhookDelivery,
  WebhookEndpoint,
} from '../ports/webhooks.ts'

/** The deliveries of webhooks, for code on the server. */
export interface Webhooks {
  /** Newest first. */
  deliveries(filter?: ListDeliveries): Promise<WebhookDelivery[]>
  /**
   * Has one sent once more, by the same `webhook-id`, whether it arrived or not.
   *
   * @throws AgentRuntimeError `not_found`
   */
  redeliver(id: string): Promise<WebhookDelivery>
}

const Filter = z.strictObject({
  runId: z.uuid().optional(),
  status: z.enum(['pending', 'delivered', 'failed']).optional(),
  limit: z.int().min(1).max(200).default(50),
})

export function createWebhooks(store: Pick<WebhookStore, 'listDeliveries' | 'redeliver'>): Webhooks {
  return {
    deliveries: async (filter = {}) => store.listDeliveries(parseInput(Filter, filter)),
    async redeliver(given) {
      const id = parseInput(z.uuid(), given)
      const delivery = await store.redeliver(id)
      if (delivery === null) throw new AgentRuntimeError('not_found', `There is no delivery ${id}.`)
      return delivery
    },
  }
}

interface WebhookPorts {
  store: Pick<WebhookStore, 'takeWebhooks' | 'settleWebhook'>
  send: SendWebhook
  clock: Clock
  log: Logger
  random(): number
}

/** How long a process has a delivery to itself. Longer than sending takes, so only a dead process loses it. */
const LEASE_MS = 60_000
const SECOND = 1_000
/** The pauses after failed attempts, about a day and a half in all. */
const RETRY_MS = [5, 30, 120, 600, 3_600, 3 * 3_600, 8 * 3_600, 24 * 3_600].map((seconds) => seconds * SECOND)

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
        await Promise.all(due.map((webhook) => deliver(ports, { endpoint, webhook, signal })))
        if (due.length > 0) continue
      } catch (error) {
        log.warn({ err: error }, 'looking for webhooks to send failed; trying again')
      }
      await clock.sleep(intervalMs * (0.75 + random() / 2), signal)
    }
  }
  await Promise.all(endpoints.map(serve))
}

async function deliver(
  { store, send, log, random }: WebhookPorts,
  { endpoint, webhook, signal }: { endpoint: WebhookEndpoint; webhook: DueWebhook; signal: AbortSignal },
): Promise<void> {
  const { id, run, attempts } = webhook
  const answer = await send(endpoint, { id, body: bodyOf(webhook) }, signal)
  const told = { webhookId: id, endpoint: endpoint.name, runId: run.id, attempt: attempts }
  if (answer.error === null) log.debug(told, 'a webhook was delivered')
  else log.warn({ ...told, ...answer }, 'a webhook did not arrive')
  // This process stops, so another one sends it at once.
  const retryMs = answer.error !== null && signal.aborted ? 0 : retryMsOf(webhook, answer, random())
  try {
    await store.settleWebhook(webhook, answer, retryMs)
  } catch (error) {
    log.warn({ err: error, ...told }, 'what became of a webhook could not be noted; it is sent again')
  }
}

function retryMsOf({ attempts }: DueWebhook, { error }: WebhookAnswer, random: number): number | null {
  const delayMs = error === null ? undefined : RETRY_MS[attempts - 1]
  return delayMs === undefined ? null : Math.round(delayMs * (0.75 + random / 2))
}

/** The body, without the run's output. The receiver reads the run, as far as it may. */
function bodyOf({ event, seq, createdAt, run }: DueWebhook): string {
  const { id, owner, agentKey, conversationId, metadata } = run
  return JSON.stringify({
    type: event,
    timestamp: createdAt.toISOString(),
    data: {
      run_id: id,
      seq,
      status: event.slice('run.'.length),
      agent_key: agentKey,
      conversation_id: conversationId,
      owner: { id: owner.id, tenant_id: owner.tenantId, kind: owner.kind },
      metadata,
    },
  })
}
