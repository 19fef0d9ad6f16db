import type { ListDeliveriesRequest } from '../../../contract/webhook-delivery.ts'
import { answerJson } from '../../answer.ts'
import type { ApiServices } from '../../services.ts'
import type { AnswerList } from '../answer-list.ts'
import { ListDeliveriesQuery, ListWebhooksQuery } from '../queries.ts'
import { defineRoute, json } from '../route.ts'
import type { Route } from '../route.ts'
import { pageOf } from '../wire/page.ts'
import {
  RestDelivery,
  RestDeliveryDetail,
  RestWebhooks,
  toRestDelivery,
  toRestDeliveryDetail,
  toRestWebhook,
} from '../wire/webhook.ts'

const RestDeliveryPage = pageOf('WebhookDeliveryPage', RestDelivery)

/** Webhooks of callers, which they give with a run or a conversation. */
export function webhookRoutes({ webhooks }: Pick<ApiServices, 'webhooks'>, answerList: AnswerList): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/webhooks/',
      operationId: 'listWebhooks',
      procedure: 'webhooks.list',
      summary: 'The webhooks of a run, or of a conversation, without their secrets',
      description: 'By `run_id` or by `conversation_id`.',
      query: ListWebhooksQuery,
      answers: { 200: { description: 'The webhooks', content: json(RestWebhooks) } },
      refusals: ['not_found'],
      async handle({ principal, query: { run_id: runId, conversation_id: conversationId } }) {
        const found = await webhooks.list(principal, { runId, conversationId })
        return answerJson({ results: found.map(toRestWebhook) })
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/webhooks/deliveries/',
      operationId: 'listWebhookDeliveries',
      procedure: 'webhooks.deliveries',
      summary: 'Deliveries of webhooks, newest first',
      query: ListDeliveriesQuery,
      answers: { 200: { description: 'A page of deliveries', content: json(RestDeliveryPage) } },
      refusals: ['forbidden'],
      async handle({ c, principal, query: { run_id: runId, webhook_id: webhookId, ...query } }) {
        const page = await webhooks.deliveries(principal, {
          ...query,
          runId,
          webhookId,
        } as ListDeliveriesRequest)
        return answerList(c, page, { query: ListDeliveriesQuery, toRest: toRestDelivery })
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/webhooks/deliveries/{id}/',
      operationId: 'getWebhookDelivery',
      procedure: 'webhooks.delivery',
      summary: 'A delivery, with the result of each attempt',
      answers: { 200: { description: 'The delivery', content: json(RestDeliveryDetail) } },
      refusals: ['not_found'],
      handle: async ({ principal, id }) =>
        answerJson(toRestDeliveryDetail(await webhooks.delivery(principal, id))),
    }),
    defineRoute({
      method: 'POST',
      path: '/webhooks/deliveries/{id}/redeliver/',
      operationId: 'redeliverWebhook',
      procedure: 'webhooks.redeliver',
      summary: 'Send a delivery once more',
      description: 'It has the same `webhook-id`, whether it arrived before or not. The body is ignored.',
      answers: { 200: { description: 'The delivery', content: json(RestDelivery) } },
      refusals: ['forbidden', 'not_found'],
      handle: async ({ principal, id }) =>
        answerJson(toRestDelivery(await webhooks.redeliver(principal, id))),
    }),
  ]
}
