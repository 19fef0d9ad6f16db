import type { z } from 'zod'
import type { Principal } from '../../../contract/principal.ts'
import type { ForkConversationRequest } from '../../../contract/conversation.ts'
import type { Conversations } from '../../../domain/conversations.ts'
import { ANSWER_HEADERS, answerJson } from '../../answer.ts'
import type { AnswerList } from '../answer-list.ts'
import {
  HistoryQuery,
  ListConversationsQuery,
  fromHistoryQuery,
  fromListConversationsQuery,
} from '../queries.ts'
import { defineRoute, json } from '../route.ts'
import type { Route } from '../route.ts'
import {
  RestConversation,
  RestConversationDetail,
  RestCreateConversation,
  RestForkConversation,
  RestSelectMessage,
  RestUpdateConversation,
  fromRestCreateConversation,
  fromRestUpdateConversation,
  toRestConversation,
  toRestConversationDetail,
} from '../wire/conversation.ts'
import { CONVERSATION, CONVERSATION_DETAIL, RUN_ID } from '../wire/examples.ts'
import { pageOf } from '../wire/page.ts'
import { RestMoveTurn, RestQueue, fromRestMoveTurn, toRestQueue } from '../wire/queued-turn.ts'

const RestConversationPage = pageOf('ConversationPage', RestConversation)
const ANSWERED = { description: 'The conversation', content: json(RestConversation, CONVERSATION) }
const QUEUE = { description: 'The queue', content: json(RestQueue) }
const OTHER_RUN_ID = '01a208e9-3c00-7000-8000-00000000000b'

// oxlint-disable-next-line max-lines-per-function -- A list of routes.
export function conversationRoutes(conversations: Conversations, answerList: AnswerList): Route[] {
  async function change(
    principal: Principal,
    { id, body }: { id: string; body: z.output<typeof RestUpdateConversation> },
  ): Promise<Response> {
    const input = fromRestUpdateConversation(id, body)
    return answerJson(toRestConversation(await conversations.update(principal, input)))
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/conversations/',
      operationId: 'createConversation',
      procedure: 'conversations.create',
      summary: 'Create a conversation',
      body: {
        schema: RestCreateConversation,
        example: { agent_key: 'assistant', title: 'My chat', metadata: { source: 'web' } },
      },
      answers: {
        201: ANSWERED,
        200: { ...ANSWERED, description: 'The conversation that has this `external_id` already' },
      },
      refusals: ['unknown_agent', 'forbidden'],
      async handle({ principal, body }) {
        const input = fromRestCreateConversation(body)
        const { conversation, created } = await conversations.createOrGet(principal, input)
        return answerJson(toRestConversation(conversation), created ? 201 : 200)
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/conversations/',
      operationId: 'listConversations',
      procedure: 'conversations.list',
      summary: 'List conversations, newest first',
      query: ListConversationsQuery,
      answers: { 200: { description: 'A page of conversations', content: json(RestConversationPage) } },
      refusals: ['forbidden'],
      async handle({ c, principal, query }) {
        const page = await conversations.list(principal, fromListConversationsQuery(query))
        return answerList(c, page, { query: ListConversationsQuery, toRest: toRestConversation })
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/conversations/{id}/',
      operationId: 'getConversation',
      procedure: 'conversations.get',
      summary: 'A conversation with its messages',
      description: '`limit` and `offset` count back from the newest message.',
      query: HistoryQuery,
      answers: {
        200: { description: 'The conversation', content: json(RestConversationDetail, CONVERSATION_DETAIL) },
      },
      refusals: ['not_found'],
      handle: async ({ principal, id, query }) =>
        answerJson(toRestConversationDetail(await conversations.get(principal, fromHistoryQuery(id, query)))),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/conversations/{id}/',
      operationId: 'updateConversation',
      procedure: 'conversations.update',
      summary: 'Change the given fields of a conversation',
      body: { schema: RestUpdateConversation, example: { title: 'Renamed' } },
      answers: { 200: ANSWERED },
      refusals: ['unknown_agent', 'forbidden', 'not_found', 'conflict'],
      handle: ({ principal, id, body }) => change(principal, { id, body }),
    }),
    defineRoute({
      method: 'PUT',
      path: '/conversations/{id}/',
      operationId: 'putConversation',
      procedure: 'conversations.update',
      summary: 'Change the given fields of a conversation',
      description:
        'The same as PATCH, for clients of the Python system: fields that are left out stay the same.',
      body: { schema: RestUpdateConversation, example: { agent_key: 'assistant', title: 'Renamed' } },
      answers: { 200: ANSWERED },
      refusals: ['unknown_agent', 'forbidden', 'not_found', 'conflict'],
      handle: ({ principal, id, body }) => change(principal, { id, body }),
    }),
    defineRoute({
      method: 'POST',
      path: '/conversations/{id}/select/',
      operationId: 'selectMessage',
      procedure: 'conversations.select',
      summary: 'Continue from the branch that contains a message',
      description: 'If several branches contain it, the one used last.',
      body: { schema: RestSelectMessage, example: { message_id: `${RUN_ID}:0` } },
      answers: { 200: ANSWERED },
      refusals: ['forbidden', 'not_found'],
      async handle({ principal, id, body }) {
        const input = { conversationId: id, messageId: body.message_id }
        return answerJson(toRestConversation(await conversations.select(principal, input)))
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/conversations/{id}/fork/',
      operationId: 'forkConversation',
      procedure: 'conversations.fork',
      summary: 'Create a conversation with a copy of all messages up to one',
      body: { schema: RestForkConversation, example: { message_id: `${RUN_ID}:0` } },
      answers: { 201: ANSWERED },
      refusals: ['forbidden', 'not_found', 'conflict'],
      async handle({ principal, id, body: { message_id: messageId, title, metadata } }) {
        const input: ForkConversationRequest = {
          conversationId: id,
          messageId,
          ...(title !== undefined && { title }),
          ...(metadata !== undefined && { metadata }),
        }
        return answerJson(toRestConversation(await conversations.fork(principal, input)), 201)
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/conversations/{id}/queue/',
      operationId: 'listQueue',
      procedure: 'conversations.queue',
      summary: 'The runs that wait for their turn',
      answers: { 200: QUEUE },
      refusals: ['not_found'],
      handle: async ({ principal, id }) => answerJson(toRestQueue(await conversations.queue(principal, id))),
    }),
    defineRoute({
      method: 'POST',
      path: '/conversations/{id}/queue/',
      operationId: 'moveTurn',
      procedure: 'conversations.move',
      summary: 'Move a waiting run before or after another one',
      description: 'A run that has begun cannot be moved: 409. To remove a run, cancel it.',
      body: { schema: RestMoveTurn, example: { run_id: RUN_ID, before: OTHER_RUN_ID } },
      answers: { 200: QUEUE },
      refusals: ['forbidden', 'not_found', 'conflict'],
      handle: async ({ principal, id, body }) =>
        answerJson(toRestQueue(await conversations.move(principal, fromRestMoveTurn(id, body)))),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/conversations/{id}/',
      operationId: 'deleteConversation',
      procedure: 'conversations.delete',
      summary: 'Delete a conversation with all its runs',
      description: 'Runs under way are stopped, and their streams end.',
      answers: { 204: { description: 'It is deleted' } },
      refusals: ['forbidden', 'not_found'],
      async handle({ principal, id }) {
        await conversations.delete(principal, id)
        return new Response(null, { status: 204, headers: ANSWER_HEADERS })
      },
    }),
  ]
}
