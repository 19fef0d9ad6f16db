// tRPC over WebSocket: one connection of a browser's few carries any number of streams.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import type { AgentRouter } from '../router.ts'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { Identify } from '../identify.ts'
import type { ApiContext, Drained } from '../services.ts'
import { createDrained } from './drained.ts'
import { isAllowedOrigin } from './origin.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'
import { hasAddress, toRequest } from './upgrade-request.ts'

export interface SocketServer {
  /** Takes the connection over, or refuses it; false, having left it alone, when its path is another's. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  /** Tells clients to connect elsewhere, and resolves when all are gone. */
  close(): Promise<void>
}

interface SocketServerOptions {
  router: AgentRouter
  identify: Identify
  trpcPath: string
  allowedOrigins: readonly string[]
  /** Largest message taken, in bytes. */
  maxBodyBytes: number
  keepAliveMs: number
}

/** What clients get to say goodbye. */
const CLOSE_AFTER_MS = 1_000
/** Answers a client has asked for and does not read, in bytes, before it is cut off. Streams wait before that. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024
/** Of RFC 6455's registry: service restart. */
const RESTARTING = 1012

const NO_HOST = new AgentRuntimeError('bad_request', 'The header Host names no host.')

export function createSocketServer(options: SocketServerOptions): SocketServer {
  const { router, identify, trpcPath, keepAliveMs } = options
  const server = new WebSocketServer({ noServer: true, maxPayload: options.maxBodyBytes })
  const drainedOf = new WeakMap<WebSocket, Drained>()
  const { broadcastReconnectNotification } = applyWSSHandler<AgentRouter>({
    wss: server,
    router,
    // Dead peers answer nothing: gone after three intervals, as clients of the other streams notice it too.
    keepAlive: { enabled: true, pingMs: keepAliveMs, pongWaitMs: keepAliveMs * 2 },
    createContext({ req, res, info }): ApiContext {
      const request = toRequest(req, info.connectionParams ?? {})
      // Asked for each call, as over HTTP: a session that was ended meanwhile begins nothing any more.
      return { principal: () => identify(request), drained: drainedOf.get(res) }
    },
  })

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    server.handleUpgrade(request, socket, head, (client) => {
      drainedOf.set(client, createDrained(socket))
      client.on('message', () => {
        if (client.bufferedAmount > MAX_UNREAD_BYTES) client.terminate()
      })
      server.emit('connection', client, request)
    })
  }

  return {
    handleUpgrade(request, socket, head) {
      const path = request.url?.split('?', 1)[0]
      if (path !== trpcPath && path !== `${trpcPath}/`) return false
      if (!hasAddress(request)) refuseUpgrade(socket, NO_HOST)
      else if (isAllowedOrigin(request.headers, options.allowedOrigins)) accept(request, socket, head)
      else refuseUpgrade(socket, foreign(request.headers.origin))
      return true
    },

    async close() {
      broadcastReconnectNotification()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const client of server.clients) client.close(RESTARTING)
      await Promise.race([closed, sleep(CLOSE_AFTER_MS, undefined, { ref: false })])
      for (const client of server.clients) client.terminate()
      await closed
    },
  }
}

function foreign(origin: string | undefined): AgentRuntimeError {
  return new AgentRuntimeError(
    'forbidden',
    `Pages of ${origin} may not open a socket here. The setting allowedOrigins names those that may.`,
  )
}
