import type { Context } from 'hono'
import { z } from 'zod'
import { answerJson } from '../../answer.ts'
import type { KeepAlive } from '../../keep-alive.ts'
import type { ApiServices } from '../../services.ts'
import type { WatchReader } from '../../watch-reader.ts'
import { asksForStream } from '../negotiate.ts'
import { pageUrl } from '../read-request.ts'
import { ConversationEventsQuery } from '../queries.ts'
import { defineRoute, json } from '../route.ts'
import type { RestEnv, Route } from '../route.ts'
import { streamOf } from '../stream-of.ts'
import { RestConversationEvent, toRestEvent } from '../wire/event.ts'
import { answerSchema } from '../wire/named.ts'
import { RestTicket, RestTicketRequest } from '../wire/ticket.ts'

const RestConversationEventPage = answerSchema(
  'ConversationEventPage',
  z.object({
    results: z.array(RestConversationEvent),
    next: z.string().nullable().meta({ format: 'uri' }),
    previous: z.string().nullable().meta({ format: 'uri' }),
    cursor: z.string().describe('To continue after the page, pass it as `?after=`.'),
  }),
)

const STREAM = { 'text/event-stream': { schema: RestConversationEvent } }
const RESUME = { 'Last-Event-ID': 'The id of the last event seen; the stream begins after it.' }
const ABOUT = 'All its runs, existing and future ones, with one cursor. The stream does not end with a run.'

interface Wiring {
  conversations: ApiServices['conversations']
  keepAlive: KeepAlive
  watchReader: WatchReader
}

/** The events of a conversation: of all its runs, existing and future ones. */
export function conversationEventRoutes({ conversations, keepAlive, watchReader }: Wiring): Route[] {
  /** The header of a reconnecting EventSource takes precedence over its URL. */
  function read(c: Context<RestEnv>, query: z.output<typeof ConversationEventsQuery>) {
    const after = c.req.header('last-event-id') || query.after
    const filter = { includeDebug: query.include_debug, includeAll: query.include_all }
    return { conversationId: c.req.param('id') ?? '', after, filter, limit: query.limit }
  }

  async function list(
    c: Context<RestEnv>,
    query: z.output<typeof ConversationEventsQuery>,
  ): Promise<Response> {
    const { limit, ...options } = read(c, query)
    const page = await conversations.listEvents(c.get('principal'), {
      ...options,
      ...(limit === undefined ? {} : { limit }),
    })
    const next = pageUrl(c, ConversationEventsQuery)
    next.searchParams.set('after', page.cursor)
    return answerJson({
      results: page.events.map(toRestEvent),
      next: page.hasMore ? next.href : null,
      previous: null,
      cursor: page.cursor,
    })
  }

  async function stream(
    c: Context<RestEnv>,
    query: z.output<typeof ConversationEventsQuery>,
  ): Promise<Response> {
    const { conversationId, after, filter } = read(c, query)
    const view = c.get('view')
    const followed = await conversations.follow(c.get('principal'), {
      conversationId,
      after,
      filter: view?.filter ?? filter,
      signal: c.req.raw.signal,
    })
    return streamOf(c, followed, { keepAlive, watchReader })
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/conversations/{id}/events/',
      operationId: 'conversationEvents',
      procedure: 'conversations.events',
      summary: "The conversation's events, as a stream or, with `Accept: application/json`, a page",
      description: ABOUT,
      query: ConversationEventsQuery,
      headers: RESUME,
      answers: {
        200: { description: 'The events', content: { ...json(RestConversationEventPage), ...STREAM } },
      },
      refusals: ['bad_request', 'forbidden', 'not_found'],
      handle: ({ c, query }) => (asksForStream(c) ? stream(c, query) : list(c, query)),
    }),
    defineRoute({
      method: 'GET',
      path: '/conversations/{id}/events/stream/',
      operationId: 'streamConversationEvents',
      procedure: 'conversations.events',
      summary: "The conversation's events, as a stream",
      description: ABOUT,
      query: ConversationEventsQuery,
      headers: RESUME,
      answers: { 200: { description: 'The events', content: STREAM } },
      refusals: ['bad_request', 'forbidden', 'not_found'],
      handle: ({ c, query }) => stream(c, query),
    }),
    ticketRoute(conversations),
  ]
}

function ticketRoute(conversations: Wiring['conversations']): Route {
  return defineRoute({
    method: 'POST',
    path: '/conversations/{id}/ticket/',
    operationId: 'createConversationTicket',
    procedure: 'conversations.ticket',
    summary: 'A ticket for a stream of the conversation',
    description: 'It goes into the URL of a stream, as `?ticket=`, for a minute.',
    body: { schema: RestTicketRequest, isOptional: true },
    answers: { 200: { description: 'The ticket', content: json(RestTicket) } },
    refusals: ['forbidden', 'not_found'],
    async handle({ principal, id, body }) {
      const { ticket, expiresAt } = await conversations.ticket(principal, {
        conversationId: id,
        includeDebug: body.include_debug,
        includeAll: body.include_all,
      })
      return answerJson({ ticket, expires_at: expiresAt })
    },
  })
}
