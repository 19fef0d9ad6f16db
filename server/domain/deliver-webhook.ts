import type { Logger } from '../ports/logger.ts'
import type { WebhookStore } from '../ports/store/webhook-store.ts'
import type { DueWebhook, SendWebhook, WebhookAnswer, WebhookEndpoint } from '../ports/webhooks.ts'

/** How long a delivery belongs to the process that took it. Sending takes less, so only a dead process loses it. */
export const LEASE_MS = 60_000
const SECOND = 1_000
/** The pauses after failed attempts, about a day and a half in total. */
const RETRY_MS = [5, 30, 120, 600, 3_600, 3 * 3_600, 8 * 3_600, 24 * 3_600].map((seconds) => seconds * SECOND)

export interface DeliverPorts {
  store: Pick<WebhookStore, 'settleWebhook'>
  send: SendWebhook
  log: Logger
  random(): number
}

interface Delivery {
  endpoint: WebhookEndpoint
  webhook: DueWebhook
  signal: AbortSignal
}

/**
 * @param isOurs whether the endpoint is the application's. Failures of callers' endpoints do not concern the operator,
 * so they are logged at `debug`.
 */
export async function deliver(
  { store, send, log, random }: DeliverPorts,
  { endpoint, webhook, signal }: Delivery,
  { isOurs }: { isOurs: boolean },
): Promise<void> {
  const { id, run, attempts } = webhook
  const answer = await send(endpoint, { id, body: bodyOf(webhook) }, signal)
  const told = { webhookId: id, endpoint: endpoint.name, runId: run.id, attempt: attempts }
  if (answer.error === null) log.debug(told, 'a webhook was delivered')
  else log[isOurs ? 'warn' : 'debug']({ ...told, ...answer }, 'a webhook did not arrive')
  // This process is stopping. Another one should send it at once.
  const retryMs = answer.error !== null && signal.aborted ? 0 : retryMsOf(webhook, answer, random())
  try {
    await store.settleWebhook(webhook, answer, retryMs)
  } catch (error) {
    log.warn({ err: error, ...told }, "a webhook's outcome could not be stored; it is sent again")
  }
}

function retryMsOf({ attempts }: DueWebhook, { error }: WebhookAnswer, random: number): number | null {
  const delayMs = error === null ? undefined : RETRY_MS[attempts - 1]
  return delayMs === undefined ? null : Math.round(delayMs * (0.75 + random / 2))
}

/** The body, without the run's output. A receiver reads that through the API, with its own permissions. */
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
