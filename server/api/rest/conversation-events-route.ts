import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { parseInput } from '../../contract/parse-input.ts'
import { answerJson } from '../answer.ts'
import type { KeepAlive } from '../keep-alive.ts'
import type { ApiServices } from '../services.ts'
import type { WatchReader } from '../watch-reader.ts'
import type { RestEnv } from './app.ts'
import { asksForStream } from './negotiate.ts'
import { flag, pageUrl, whole } from './read-request.ts'
import { streamOf } from './stream-of.ts'
import { toRestEvent } from './wire.ts'

const Query = z.object({
  /** `cursor` of an event, of a page or of the conversation; `now`. */
  after: z.string().optional(),
  include_debug: flag,
  include_all: flag,
  /** Of a JSON page. */
  limit: whole,
})

interface Wiring {
  conversations: ApiServices['conversations']
  keepAlive: KeepAlive
  watchReader: WatchReader
}

/** The events of a conversation: all its runs, those that are there and those to come. */
export function addConversationEventsRoute(app: Hono<RestEnv>, wiring: Wiring): void {
  const { conversations, keepAlive, watchReader } = wiring

  /** The header of an EventSource that reconnects goes before what its URL says. */
  function read(c: Context<RestEnv>) {
    const query = parseInput(Query, c.req.query())
    const after = c.req.header('last-event-id') || query.after
    const filter = { includeDebug: query.include_debug, includeAll: query.include_all }
    return { conversationId: c.req.param('id') ?? '', after, filter, limit: query.limit }
  }

  async function list(c: Context<RestEnv>): Promise<Response> {
    const { limit, ...options } = read(c)
    const page = await conversations.listEvents(c.get('principal'), {
      ...options,
      ...(limit === undefined ? {} : { limit }),
    })
    const next = pageUrl(c, Query)
    next.searchParams.set('after', page.cursor)
    return answerJson({
      results: page.events.map(toRestEvent),
      next: page.hasMore ? next.href : null,
      previous: null,
      cursor: page.cursor,
    })
  }

  async function stream(c: Context<RestEnv>): Promise<Response> {
    const { conversationId, after, filter } = read(c)
    const followed = await conversations.follow(c.get('principal'), {
      conversationId,
      after,
      filter,
      signal: c.req.raw.signal,
    })
    return streamOf(c, followed, { keepAlive, watchReader })
  }

  app.get('/conversations/:id/events', (c) => (asksForStream(c) ? stream(c) : list(c)))
  app.get('/conversations/:id/events/stream', (c) => stream(c))
}
