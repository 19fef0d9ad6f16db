// Webhooks that callers give for their runs and conversations. Only hosts named in the settings are allowed.
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { decodeCursor } from '../contract/page.ts'
import type { Page } from '../contract/page.ts'
import { invalid, parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Owner, Principal } from '../contract/principal.ts'
import { DeliveryRef, ListDeliveriesInput, ListWebhooksInput } from '../contract/webhook-delivery.ts'
import type {
  ListDeliveriesRequest,
  ListWebhooksRequest,
  StoredWebhook,
  WebhookDelivery,
  WebhookDeliveryDetail,
} from '../contract/webhook-delivery.ts'
import type { NewWebhook } from '../contract/webhook.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { WebhookStore } from '../ports/store/webhook-store.ts'
import type { Access } from './access.ts'
import { isAllowedUrl } from './webhook-hosts.ts'
import type { WebhookHosts } from './webhook-hosts.ts'

/** The use cases of webhooks that callers gave; see {@link Runs} on who may see what. */
export interface CallerWebhooks {
  /** Lists the webhooks of a run or conversation, without their secrets. */
  list(principal: Principal, input: ListWebhooksRequest): Promise<StoredWebhook[]>
  /** Lists deliveries, sent and still to send, newest first. */
  deliveries(principal: Principal, input: ListDeliveriesRequest): Promise<Page<WebhookDelivery>>
  /** One delivery, with the result of each attempt. */
  delivery(principal: Principal, deliveryId: string): Promise<WebhookDeliveryDetail>
  /** Sends a delivery again with the same `webhook-id`, whether or not it arrived. */
  redeliver(principal: Principal, deliveryId: string): Promise<WebhookDelivery>
}

/**
 * Checks a caller's webhooks before they are stored. `owner` owns the run or conversation.
 *
 * @throws AgentRuntimeError `forbidden` or `validation_failed`
 */
export type AcceptWebhooks = (
  caller: Principal,
  webhooks: readonly NewWebhook[],
  target: { owner: Owner; agentKey: string | null },
) => Promise<void>

interface CallerWebhookPorts {
  store: Pick<
    WebhookStore,
    'enableWebhooks' | 'listWebhooks' | 'listCallerDeliveries' | 'getDelivery' | 'redeliverOwn'
  >
  access: Access
  log: Logger
}

export function createAcceptWebhooks(
  { store, access }: Pick<CallerWebhookPorts, 'store' | 'access'>,
  settings: WebhookHosts,
): AcceptWebhooks {
  return async (caller, webhooks, { owner, agentKey }) => {
    if (webhooks.length === 0) return
    if (settings.hosts.length === 0) {
      throw new AgentRuntimeError(
        'forbidden',
        'Callers cannot set webhooks here: WEBHOOK_HOSTS names no hosts.',
      )
    }
    // A user may later claim the visitor's runs, and would get a webhook that the user never gave.
    if (caller.kind === 'anonymous' || owner.kind === 'anonymous') {
      throw new AgentRuntimeError('forbidden', 'Visitors cannot set webhooks.')
    }
    webhooks.forEach(({ url }, index) => {
      if (isAllowedUrl(url, settings)) return
      const path = ['webhooks', index, 'url']
      const message = `webhooks may not be sent to ${new URL(url).origin}`
      throw invalid(`The request is not valid at ${path.join('.')}: ${message}`, [{ path, message }])
    })
    for (const { url } of webhooks) {
      await access.assertMay(caller, 'create', { kind: 'webhook', agentKey, url })
    }
    await store.enableWebhooks()
  }
}

export function createCallerWebhooks({ store, access, log }: CallerWebhookPorts): CallerWebhooks {
  async function get(caller: Principal, id: string) {
    const reach = await access.reach(caller, 'webhook')
    const delivery = reach && (await store.getDelivery(reach, id))
    if (delivery === null) throw noSuchDelivery(id)
    return delivery
  }

  return {
    async list(principal, request) {
      const caller = parsePrincipal(principal)
      const { runId, conversationId } = parseInput(ListWebhooksInput, request)
      const target = runId === undefined ? { conversationId: conversationId ?? '' } : { runId }
      const reach = await access.reach(caller, 'webhook')
      const webhooks = reach && (await store.listWebhooks(reach, target))
      if (webhooks !== null) return webhooks
      throw new AgentRuntimeError(
        'not_found',
        runId === undefined ? `There is no conversation ${conversationId}.` : `There is no run ${runId}.`,
      )
    },

    async deliveries(principal, request) {
      const caller = parsePrincipal(principal)
      const { cursor, scope, ...filter } = parseInput(ListDeliveriesInput, request)
      const reach = await access.reachWithin(caller, 'webhook', scope)
      return store.listCallerDeliveries(reach, filter, cursor === undefined ? null : decodeCursor(cursor))
    },

    async delivery(principal, deliveryId) {
      const caller = parsePrincipal(principal)
      const id = parseInput(DeliveryRef, { deliveryId }).deliveryId
      const { owner: _owner, ...delivery } = await get(caller, id)
      return delivery
    },

    async redeliver(principal, deliveryId) {
      const caller = parsePrincipal(principal)
      const id = parseInput(DeliveryRef, { deliveryId }).deliveryId
      const { owner, webhookId, endpoint: url } = await get(caller, id)
      const webhook = { id: webhookId ?? '', owner, url }
      await access.assertMay(caller, 'update', { kind: 'webhook', webhook })
      const delivery = await store.redeliverOwn(owner, id)
      if (delivery === null) throw noSuchDelivery(id)
      log.info({ deliveryId: id, by: ownerOf(caller) }, 'a webhook is sent once more')
      return delivery
    },
  }
}

export function noSuchDelivery(id: string): AgentRuntimeError {
  return new AgentRuntimeError('not_found', `There is no delivery ${id}.`)
}
