import type { Context } from 'hono'
import type { z } from 'zod'
import { isTerminal } from '../../../contract/terminal.ts'
import type { EventsPageOptions } from '../../../domain/run-events.ts'
import type { Runs } from '../../../domain/runs.ts'
import type { EventPage } from '../../../ports/store/event-store.ts'
import type { Principal } from '../../../contract/principal.ts'
import { ANSWER_HEADERS, answerJson } from '../../answer.ts'
import type { KeepAlive } from '../../keep-alive.ts'
import { orClosed } from '../../or-closed.ts'
import type { Watch, WatchReader } from '../../watch-reader.ts'
import { asksForStream } from '../negotiate.ts'
import { pageUrl, readCursor } from '../read-request.ts'
import { EventsQuery } from '../queries.ts'
import { defineRoute, json } from '../route.ts'
import type { Answer, RestEnv, Route } from '../route.ts'
import { streamOf } from '../stream-of.ts'
import { RestEvent, toRestEvent } from '../wire/event.ts'
import { EVENT, EVENT_FRAMES } from '../wire/examples.ts'
import { pageOf } from '../wire/page.ts'

const RestEventPage = pageOf('EventPage', RestEvent)

type Query = z.output<typeof EventsQuery>

const STREAM: NonNullable<Answer['content']> = {
  'text/event-stream': { schema: RestEvent, example: EVENT_FRAMES },
}
const NOTHING_LEFT = 'Nothing is left to read and nothing will come; an `EventSource` then stops'
const RESUME = { 'Last-Event-ID': 'The id of the last event seen; the stream begins after it.' }
const ABOUT_STREAMS =
  "Each frame has the event's `seq` as its `id`, its type as its `event`, and a `RunEvent` as its `data`. Lines that begin with a colon keep the connection open. The stream ends after the run's last event."

interface Wiring {
  runs: Runs
  keepAlive: KeepAlive
  watchReader: WatchReader
}

export function runEventRoutes({ runs, keepAlive, watchReader }: Wiring): Route[] {
  async function listEvents(c: Context<RestEnv>, id: string, query: Query): Promise<Response> {
    const { limit, include_debug: includeDebug, include_all: includeAll, wait_seconds: waitSeconds } = query
    const asked = {
      runId: id,
      afterSeq: readCursor(c, query),
      mayBeAhead: true,
      filter: { includeDebug, includeAll },
      ...(limit !== undefined && { limit }),
    }
    const wait = { seconds: waitSeconds, signal: c.req.raw.signal }
    const principal = c.get('principal')
    const watch = (check: Confirm) => watchReader({ request: c.req.raw, principal, check })
    const { events, count, hasMore } = await readPage(runs, principal, { asked, wait, watch })
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

  async function streamEvents(c: Context<RestEnv>, id: string, query: Query): Promise<Response> {
    const afterSeq = readCursor(c, query)
    const view = c.get('view')
    const { run, batches, confirm } = await runs.follow(c.get('principal'), {
      runId: id,
      afterSeq,
      mayBeAhead: true,
      filter: view?.filter ?? { includeDebug: query.include_debug, includeAll: query.include_all },
      signal: c.req.raw.signal,
    })
    // An EventSource reconnects after every end of a stream; only 204 stops it.
    if (isTerminal(run.status) && afterSeq > 0 && (await batches.peek()) === undefined) {
      return new Response(null, { status: 204, headers: ANSWER_HEADERS })
    }
    return streamOf(c, { batches, confirm }, { keepAlive, watchReader })
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/runs/{id}/events/',
      operationId: 'runEvents',
      procedure: 'runs.events',
      summary: "The run's events, as a stream or, with `Accept: application/json`, a page",
      description: ABOUT_STREAMS,
      query: EventsQuery,
      headers: RESUME,
      answers: {
        200: {
          description: 'The events',
          content: {
            ...json(RestEventPage, { results: [EVENT], next: null, previous: null, count: 1 }),
            ...STREAM,
          },
        },
        204: { description: NOTHING_LEFT },
      },
      refusals: ['forbidden', 'not_found'],
      handle: ({ c, id, query }) =>
        asksForStream(c) ? streamEvents(c, id, query) : listEvents(c, id, query),
    }),
    defineRoute({
      method: 'GET',
      path: '/runs/{id}/events/stream/',
      operationId: 'streamRunEvents',
      procedure: 'runs.events',
      summary: "The run's events, as a stream",
      description: ABOUT_STREAMS,
      query: EventsQuery,
      headers: RESUME,
      answers: { 200: { description: 'The events', content: STREAM }, 204: { description: NOTHING_LEFT } },
      refusals: ['forbidden', 'not_found'],
      handle: ({ c, id, query }) => streamEvents(c, id, query),
    }),
  ]
}

type Confirm = (principal: Principal) => Promise<void>

interface PageRequest {
  asked: EventsPageOptions
  wait: { seconds: number; signal: AbortSignal }
  /** Takes a place among the principal's streams, and looks whether they may still read. */
  watch(confirm: Confirm): Watch
}

/** A page of events. If it is empty, the answer waits for the next event, as long as the reader asked. */
async function readPage(
  runs: Runs,
  principal: Principal,
  { asked, wait, watch }: PageRequest,
): Promise<EventPage> {
  const page = await runs.listEvents(principal, asked)
  if (page.events.length > 0 || wait.seconds === 0) return page
  const signal = AbortSignal.any([wait.signal, AbortSignal.timeout(wait.seconds * 1_000)])
  const { batches, confirm } = await runs.follow(principal, { ...asked, signal })
  const unwatch = orClosed(batches, () => watch(confirm)((reason) => batches.fail(reason)))
  const isThere = await batches
    .peek()
    .then((first) => first !== undefined)
    .finally(() => {
      unwatch()
      batches.close()
    })
  return isThere ? runs.listEvents(principal, asked) : page
}
