import { createHandler } from '../api/handler.ts'
import type { Handler } from '../api/handler.ts'
import type { Identify } from '../api/identify.ts'
import { createRefusalPace } from '../api/refusal-pace.ts'
import type { AgentRouter } from '../api/router.ts'
import type { ApiServices } from '../api/services.ts'
import { createSeats } from '../api/seats.ts'
import { createNodeHandler } from '../api/node-handler.ts'
import type { NodeHandler } from '../api/node-handler.ts'
import { createSocketServer } from '../api/socket/socket-server.ts'
import type { SocketServer } from '../api/socket/socket-server.ts'
import type { Config } from '../config/config.ts'
import { createNetworkOf } from '../config/networks.ts'
import type { Health } from '../domain/health.ts'
import type { Clock } from '../ports/clock.ts'
import type { Tracer } from '../ports/tracer.ts'

interface Wiring {
  services: ApiServices
  router: AgentRouter
  identify: Identify
  tracer: Tracer
  clock: Clock
}

interface TransportSettings {
  config: Config
  sessionPath: string | undefined
  streamsPerPrincipal: number
  socketsPerPrincipal: number
  transfersPerPrincipal: number
  readHealth(): Promise<Health>
}

/** What a form has around a file. */
const FORM_BYTES = 32_768

/** What requests come in by: HTTP, and sockets, with the same bounds on both. */
export function createTransports(
  { clock, tracer, ...wiring }: Wiring,
  {
    config,
    sessionPath,
    streamsPerPrincipal,
    socketsPerPrincipal,
    transfersPerPrincipal,
    readHealth,
  }: TransportSettings,
): { handler: Handler; nodeHandler: NodeHandler; sockets: SocketServer } {
  const { restPath, trpcPath, allowedOrigins, maxBodyBytes, socketHeaders, subscriptionsPerSocket } = config
  const shared = { ...wiring, trpcPath, allowedOrigins, maxBodyBytes }
  const readers = {
    reauthenticateMs: config.streamReauthenticateSeconds * 1000,
    maxAgeMs: config.streamMaxAgeSeconds * 1000,
  }
  const { maxFileBytes, maxFilesPerRequest: maxFiles } = config
  const forms = {
    maxFiles,
    maxFieldBytes: maxBodyBytes,
    maxBytes: maxFiles * (maxFileBytes + FORM_BYTES) + maxBodyBytes,
    idleMs: config.uploadIdleSeconds * 1000,
    seats: createSeats(transfersPerPrincipal, 'uploads and downloads'),
    log: wiring.services.log,
  }
  const pace = createRefusalPace(config.refusalsPerSecond, wiring.services.stopping)
  const networkOf = createNetworkOf(config.trustedProxies)
  const handler = createHandler({
    ...shared,
    tracer,
    restPath,
    sessionPath,
    readHealth,
    readers,
    forms,
    pace,
    networkOf,
    streamsPerPrincipal,
  })
  return {
    handler,
    nodeHandler: createNodeHandler(handler, { restPath, trpcPath, sessionPath }),
    sockets: createSocketServer({
      ...shared,
      pace,
      networkOf,
      socketHeaders,
      subscriptionsPerSocket,
      socketsPerPrincipal,
      lifetime: { clock, ...readers },
    }),
  }
}
