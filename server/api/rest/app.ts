import { Hono } from 'hono'
import type { Context } from 'hono'
import type { Principal } from '../../contract/principal.ts'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { parseInput } from '../../contract/parse-input.ts'
import { shortened } from '../../contract/issues.ts'
import { isTerminal } from '../../contract/terminal.ts'
import { ANSWER_HEADERS, answerJson } from '../answer.ts'
import type { Connection } from '../connection.ts'
import { createKeepAlive } from '../keep-alive.ts'
import type { ApiServices } from '../services.ts'
import type { WatchReader } from '../watch-reader.ts'
import {
  EventsQuery,
  HistoryQuery,
  ListConversationsQuery,
  ListRunsQuery,
  fromHistoryQuery,
  fromListConversationsQuery,
  fromListRunsQuery,
  pageUrl,
  readBody,
  readCursor,
} from './read-request.ts'
import { isForm } from '../files/multipart.ts'
import type { FormBounds } from '../files/multipart.ts'
import { receiveForm } from '../files/transfer.ts'
import { bodyOf } from './create-with-files.ts'
import { addRestFileRoutes } from './file-routes.ts'
import { asksForStream } from './negotiate.ts'
import { addTicketRoute } from './ticket-route.ts'
import type { TicketView } from '../../domain/tickets.ts'
import { addClaimRoute } from './session-routes.ts'
import { addConversationEventsRoute } from './conversation-events-route.ts'
import { streamOf } from './stream-of.ts'
import {
  RestCreateConversation,
  RestCreateRun,
  RestRespond,
  RestUpdateConversation,
  fromRestCreateRun,
  fromRestUpdateConversation,
  toRestConversation,
  toRestConversationDetail,
  toRestEvent,
  toRestPage,
  toRestRun,
  toRestRunDetail,
} from './wire.ts'

export interface RestEnv {
  Bindings: Connection
  Variables: {
    principal: Principal
    /** What a ticket shows, where one opened the stream. */
    view: TicketView | undefined
  }
}

const runIdOf = (c: Context) => c.req.param('id') ?? ''

/** REST and SSE: the same use cases as the router's, for every language that speaks HTTP. */
// oxlint-disable-next-line max-lines-per-function -- A list of routes.
export function createRestApp(
  services: ApiServices,
  { watchReader, forms: bounds }: { watchReader: WatchReader; forms: FormBounds },
): Hono<RestEnv> {
  const { runs, conversations, files } = services
  const keepAlive = createKeepAlive(services.streamKeepAliveMs)
  const app = new Hono<RestEnv>({ strict: false })

  app.post('/runs', async (c) => {
    if (isForm(c.req.raw)) return createWithFiles(c)
    const input = fromRestCreateRun(await readBody(c, RestCreateRun))
    const { run, created } = await runs.create(c.get('principal'), input)
    return answerJson(toRestRun(run), created ? 201 : 200)
  })

  app.get('/runs', async (c) => {
    const input = fromListRunsQuery(parseInput(ListRunsQuery, c.req.query()))
    const page = await runs.list(c.get('principal'), input)
    return answerJson(toRestPage(page, { url: pageUrl(c, ListRunsQuery), toRest: toRestRun }))
  })

  app.get('/runs/:id', async (c) =>
    answerJson(toRestRunDetail(await runs.get(c.get('principal'), runIdOf(c)))),
  )

  app.delete('/runs/:id', async (c) => {
    await runs.delete(c.get('principal'), runIdOf(c))
    return new Response(null, { status: 204, headers: ANSWER_HEADERS })
  })

  app.post('/runs/:id/cancel', async (c) =>
    answerJson(toRestRun(await runs.cancel(c.get('principal'), runIdOf(c)))),
  )

  app.post('/runs/:id/respond', async (c) => {
    const answer = await readBody(c, RestRespond)
    return answerJson(toRestRun(await runs.respond(c.get('principal'), { runId: runIdOf(c), ...answer })))
  })

  addTicketRoute(app, runs)
  app.get('/runs/:id/events', (c) => (asksForStream(c) ? streamEvents(c) : listEvents(c)))
  app.get('/runs/:id/events/stream', (c) => streamEvents(c))

  app.post('/conversations', async (c) => {
    const body = await readBody(c, RestCreateConversation)
    const { agent_key: agentKey, external_id: externalId, ...rest } = body
    const input = { ...rest, agentKey: agentKey ?? undefined, externalId: externalId ?? undefined }
    const { conversation, created } = await conversations.createOrGet(c.get('principal'), input)
    return answerJson(toRestConversation(conversation), created ? 201 : 200)
  })

  app.get('/conversations', async (c) => {
    const input = fromListConversationsQuery(parseInput(ListConversationsQuery, c.req.query()))
    const page = await conversations.list(c.get('principal'), input)
    return answerJson(
      toRestPage(page, { url: pageUrl(c, ListConversationsQuery), toRest: toRestConversation }),
    )
  })

  app.get('/conversations/:id', async (c) => {
    const input = fromHistoryQuery(c.req.param('id'), parseInput(HistoryQuery, c.req.query()))
    return answerJson(toRestConversationDetail(await conversations.get(c.get('principal'), input)))
  })

  addConversationEventsRoute(app, { conversations, keepAlive, watchReader })

  app.delete('/conversations/:id', async (c) => {
    await conversations.delete(c.get('principal'), c.req.param('id'))
    return new Response(null, { status: 204, headers: ANSWER_HEADERS })
  })

  app.patch('/conversations/:id', (c) => changeConversation(c, { isWhole: false }))
  app.put('/conversations/:id', (c) => changeConversation(c, { isWhole: true }))

  async function changeConversation(c: Context<RestEnv>, how: { isWhole: boolean }): Promise<Response> {
    const body = await readBody(c, RestUpdateConversation)
    const input = fromRestUpdateConversation(c.req.param('id') ?? '', body, how)
    return answerJson(toRestConversation(await conversations.update(c.get('principal'), input)))
  }

  addClaimRoute(app, services.sessions)
  addRestFileRoutes(app, files, bounds)

  // These come after the routes above: the path exists, but not with this method.
  for (const path of new Set(app.routes.map((route) => route.path))) {
    app.all(path, (c) => {
      throw new AgentRuntimeError(
        'method_not_allowed',
        `${shortened(c.req.path)} does not take ${shortened(c.req.method)}.`,
      )
    })
  }

  async function createWithFiles(c: Context<RestEnv>): Promise<Response> {
    const principal = c.get('principal')
    const { fields, files: stored } = await receiveForm(c.req.raw, principal, { files, bounds })
    try {
      const input = fromRestCreateRun(parseInput(RestCreateRun, bodyOf(fields, stored)))
      const { run, created } = await runs.create(principal, input)
      // Asked once more, it has the files of the first time.
      if (!created) await files.discard(stored)
      return answerJson(toRestRun(run), created ? 201 : 200)
    } catch (error) {
      await files.discard(stored)
      throw error
    }
  }

  async function listEvents(c: Context<RestEnv>): Promise<Response> {
    const query = parseInput(EventsQuery, c.req.query())
    const { limit, include_debug: includeDebug, include_all: includeAll } = query
    const { events, count, hasMore } = await runs.listEvents(c.get('principal'), {
      runId: runIdOf(c),
      afterSeq: readCursor(c, query),
      filter: { includeDebug, includeAll },
      ...(limit !== undefined && { limit }),
    })
    const last = events.at(-1)
    const next = pageUrl(c, EventsQuery)
    if (last !== undefined) next.searchParams.set('from_seq', String(last.seq + 1))
    return answerJson({
      results: events.map(toRestEvent),
      next: hasMore ? next.href : null,
      previous: null,
      count,
    })
  }

  async function streamEvents(c: Context<RestEnv>): Promise<Response> {
    const query = parseInput(EventsQuery, c.req.query())
    const afterSeq = readCursor(c, query)
    const view = c.get('view')
    const { run, batches, confirm } = await runs.follow(c.get('principal'), {
      runId: runIdOf(c),
      afterSeq,
      filter: view?.filter ?? { includeDebug: query.include_debug, includeAll: query.include_all },
      signal: c.req.raw.signal,
    })
    // An EventSource comes back after every end of a stream; 204 is how it is told to stay away.
    if (isTerminal(run.status) && afterSeq > 0 && (await batches.peek()) === undefined) {
      return new Response(null, { status: 204, headers: ANSWER_HEADERS })
    }
    return streamOf(c, { batches, confirm }, { keepAlive, watchReader })
  }

  return app
}
