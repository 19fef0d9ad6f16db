import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { getHTTPStatusCodeFromError } from '@trpc/server/http'
import type { AnyRouter } from '@trpc/server'
import { Hono } from 'hono'
import type { Context, MiddlewareHandler } from 'hono'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { shortened } from '../contract/issues.ts'
import type { Principal } from '../contract/principal.ts'
import { describeHealth } from '../domain/health.ts'
import type { Health } from '../domain/health.ts'
import type { Logger } from '../ports/logger.ts'
import { answerError, answerJson, completed, retryAfterOf } from './answer.ts'
import { createRefusalCount } from './count-refusals.ts'
import { breakOffOf, readBodyOf, remoteAddressOf } from './connection.ts'
import { allowOrigins, refuseForgeries } from './cross-origin.ts'
import { toAgentRuntimeError, toTRPCShape } from './errors.ts'
import { addDocsRoutes } from './docs/routes.ts'
import { addFileRoutes } from './files/routes.ts'
import type { TransferSettings } from './files/transfer.ts'
import type { Identify } from './identify.ts'
import { limitBody } from './limit-body.ts'
import { openByTicket } from './rest/open-by-ticket.ts'
import { createRestApp, createRestRoutes } from './rest/app.ts'
import { addRoutes } from './rest/route.ts'
import type { RestEnv } from './rest/route.ts'
import { createDocumentRoute } from './rest/routes/document.ts'
import { createSessionRoute } from './rest/routes/sessions.ts'
import { toRestErrorBody } from './rest/error-body.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { NetworkOf, RefusalPace } from './refusal-pace.ts'
import { createSeats, seatReaders } from './seats.ts'
import type { ApiContext, ApiServices } from './services.ts'
import { createReaderWatch } from './watch-reader.ts'
import type { ReaderSettings } from './watch-reader.ts'
import { createSubscriptionHandler } from './subscription.ts'
import { SUBSCRIPTION_PATHS } from './subscription-paths.ts'
import { assertAddressed, assertDecodable } from './check-url.ts'

interface HandlerOptions {
  services: ApiServices
  tracer: Tracer
  router: AnyRouter
  identify: Identify
  /** Rejects if requests would fail at the moment. */
  readHealth(): Promise<Health>
  maxBodyBytes: number
  /** Of requests with files. */
  forms: TransferSettings
  restPath: string
  trpcPath: string
  /** A second path for requesting anonymous sessions, besides the one under `restPath`. */
  sessionPath: string | undefined
  /** Settings of event streams. */
  readers: ReaderSettings
  /** Other origins whose pages may send requests. */
  allowedOrigins: readonly string[]
  /** Event streams over HTTP that one principal may have open, with the requests that wait for events. */
  streamsPerPrincipal: number
  /** Shared with the sockets. */
  pace: RefusalPace
  networkOf: NetworkOf
}

/** @param connection what the server knows about the request: a {@link Connection}. */
export type Handler = (request: Request, connection?: object) => Promise<Response>

/** Calls in one request. All their answers are in memory at the same time. */
const MAX_BATCH = 10

/** The whole HTTP face as one fetch handler: tRPC, REST/SSE, health. */
// oxlint-disable-next-line max-lines-per-function -- A list of routes.
export function createHandler(options: HandlerOptions): Handler {
  const { services, router, restPath, trpcPath, sessionPath, tracer, pace } = options
  const app = new Hono<RestEnv>({ strict: false })
  const refusals = createRefusalCount(pace, options.networkOf)
  /**
   * Refusals are counted by caller. Measuring replaces the request object, so the caller is stored beside it.
   */
  async function identify(c: Context<RestEnv>, request = c.req.raw): Promise<Principal> {
    c.env.asking = await options.identify(request)
    return c.env.asking
  }

  app.onError((error, c) => {
    const known = isGone(c) ? goneAway(error, services.log) : toAgentRuntimeError(error, services.log)
    const isTrpc = c.req.path.startsWith(`${trpcPath}/`)
    return answerError(known, isTrpc ? { error: toTRPCShape(known) } : toRestErrorBody(known))
  })
  app.notFound((c) => {
    const nothing = `There is no ${shortened(c.req.method)} ${shortened(c.req.path)} here.`
    const error = new AgentRuntimeError('not_found', nothing)
    return answerError(error, toRestErrorBody(error))
  })

  app.get('/healthz', () => answerJson({ status: 'ok' }))
  app.get('/readyz', async () => {
    const health = await options.readHealth()
    return answerJson({ status: 'ready', ...describeHealth(health) })
  })

  const formPaths = new Set([`${restPath}/runs`, `${restPath}/files`, `${trpcPath}/files`])
  const admitted = inSequence(
    assertAddressed,
    allowOrigins(options.allowedOrigins),
    refuseForgeries(options.allowedOrigins, services.log),
    limitBody(options.maxBodyBytes, formPaths),
  )
  const sessionPaths = [`${restPath}/sessions/anonymous`, ...(sessionPath === undefined ? [] : [sessionPath])]
  for (const path of [`${restPath}/*`, `${trpcPath}/*`, ...sessionPaths.slice(1)]) app.use(path, admitted)

  // This comes before authentication.
  const sessionRoute = createSessionRoute(services.sessions)
  const documentRoute = createDocumentRoute(() => [...routes, sessionRoute, documentRoute], restPath)
  for (const path of sessionPaths) addRoutes(app, [{ ...sessionRoute, path }])
  // Also at the path where tools look first, unless the surrounding app has something else there.
  for (const base of [restPath, '']) addRoutes(app, [documentRoute], base)
  addDocsRoutes(app, restPath)

  app.use(`${restPath}/*`, async (c, next) => {
    const view = await openByTicket(c, services)
    c.set('view', view)
    c.set('principal', view?.principal ?? (await identify(c)))
    await next()
  })
  const watchReader = seatReaders(
    createReaderWatch({ identify: options.identify, log: services.log }, options.readers),
    createSeats(options.streamsPerPrincipal, 'streams'),
  )
  const routes = createRestRoutes(services, { watchReader, forms: options.forms })
  app.route(restPath, createRestApp(routes))

  const filesPath = `${trpcPath}/files`
  for (const path of [filesPath, `${filesPath}/:id`]) {
    app.use(path, async (c, next) => {
      c.set('principal', await identify(c))
      await next()
    })
  }
  addFileRoutes(app, {
    path: filesPath,
    files: services.files,
    settings: options.forms,
    toBody: (file) => file,
  })

  for (const path of SUBSCRIPTION_PATHS) {
    const subscribe = createSubscriptionHandler(path, services, watchReader)
    // tRPC answers all other requests, and also a HEAD, which Hono treats as a GET.
    app.get(`${trpcPath}/${path}`, (c, next) =>
      c.req.raw.method === 'GET' &&
      c.req.query('batch') === undefined &&
      c.req.header('trpc-accept') === undefined
        ? subscribe(c.req.raw, {
            identify: () => identify(c),
            refused: () => refusals.count(c.env, c.req.raw),
          })
        : next(),
    )
  }

  app.all(`${trpcPath}/*`, async (c) => {
    assertDecodable(c.req.url)
    return completed(
      await fetchRequestHandler({
        endpoint: trpcPath,
        req: c.req.raw,
        router,
        createContext: async ({ req, info }): Promise<ApiContext> => {
          const from = { request: req, remoteAddress: c.env.remoteAddress }
          if (info.calls.every(({ path }) => path === OPEN_PROCEDURE)) {
            return { principal: () => identify(c, req), from }
          }
          const principal = await identify(c, req)
          // Its answer begins before anything in it is refused, so it cannot wait then.
          if (isStreamed(c)) await refusals.untilDue(c.env, req)
          return { principal, from, watch: (check) => watchReader({ request: req, principal, check }) }
        },
        onError: ({ error }) => {
          if (getHTTPStatusCodeFromError(error) < 500) refusals.count(c.env, c.req.raw)
        },
        responseMeta: ({ errors }) => ({
          headers: new Headers(
            retryAfterOf(errors.flatMap(({ cause }) => (cause instanceof AgentRuntimeError ? [cause] : []))),
          ),
        }),
        // Allows a query in a POST body, since long inputs do not fit into a URL.
        allowMethodOverride: true,
        maxBatchSize: MAX_BATCH,
      }),
    )
  })

  return async (request, connection) =>
    tracer.continueFrom(
      () => request.headers.get('traceparent'),
      async () => {
        const env: RestEnv['Bindings'] = {
          remoteAddress: remoteAddressOf(connection),
          breakOff: breakOffOf(connection),
          readBody: readBodyOf(connection),
        }
        const response = await app.fetch(request, env)
        if (env.refusalDue === undefined && isRefused(response)) refusals.count(env, request)
        if (env.refusalDue !== undefined) await pace.wait(env.refusalDue)
        return response
      },
    )
}

const isRefused = ({ status }: Response) => status >= 400 && status < 500

/** Whether tRPC answers call by call, as `httpBatchStreamLink` asks it to. */
const isStreamed = (c: Context) => c.req.header('trpc-accept') === 'application/jsonl'

/** A request for only this procedure needs no authentication. */
const OPEN_PROCEDURE = 'sessions.createAnonymous'

/** As one handler: Hono takes longer to get from one to the next than most of them take. */
function inSequence(...handlers: MiddlewareHandler[]): MiddlewareHandler {
  return (c, next) => {
    const from = (index: number): ReturnType<MiddlewareHandler> =>
      handlers[index]?.(c, () => from(index + 1) as Promise<void>) ?? next()
    return from(0)
  }
}

/**
 * Whether the client has left. Errors that follow from this, such as a body that ends in the middle, are not
 * faults.
 */
function isGone(c: Context): boolean {
  return c.req.raw.signal.aborted
}

function goneAway(error: Error, log: Logger): AgentRuntimeError {
  log.debug({ err: error }, 'a client went away before it was answered')
  return new AgentRuntimeError('bad_request', 'The request broke off.')
}
