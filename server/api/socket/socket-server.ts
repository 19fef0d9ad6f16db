// tRPC over WebSocket. A browser allows few connections to a server, and one of these carries any number of
// streams.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { handleKeepAlive } from '@trpc/server/adapters/ws'
import { WebSocketServer } from 'ws'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { RECONNECT, RESTARTING } from './closing.ts'
import { Connection } from './connection.ts'
import type { ConnectionOptions } from './connection.ts'
import { isAllowedOrigin } from './origin.ts'
import { logRefusal } from '../log-refusal.ts'
import { createOutlet } from './outlet.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'
import { createSeats } from '../seats.ts'
import { createTimeSlices } from './time-slices.ts'
import { hasAddress, urlOf } from './upgrade-request.ts'

export interface SocketServer {
  /**
   * Takes the connection over, or refuses it. Returns false, and does nothing, if the path is not the
   * runtime's.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  /** Tells clients to connect elsewhere, and resolves when all are gone. */
  close(): Promise<void>
}

interface SocketServerOptions extends Omit<ConnectionOptions, 'seats' | 'inTimeSlice'> {
  trpcPath: string
  allowedOrigins: readonly string[]
  /** The most sockets of one principal in this process. */
  socketsPerPrincipal: number
}

/** Time that clients get to close. */
const CLOSE_AFTER_MS = 1_000
const NO_HOST = new AgentRuntimeError('bad_request', 'The header Host is not a valid host.')

export function createSocketServer(options: SocketServerOptions): SocketServer {
  const { trpcPath, maxBodyBytes: maxPayload } = options
  const server = new WebSocketServer({ noServer: true, maxPayload })
  const shared = {
    ...options,
    seats: createSeats(options.socketsPerPrincipal, 'sockets'),
    inTimeSlice: createTimeSlices(),
  }
  const pingMs = options.services.streamKeepAliveMs

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    server.handleUpgrade(request, socket, head, (client) => {
      // Dead peers do not answer. They are dropped after three intervals, the same time after which clients
      // of other streams notice a dead connection.
      handleKeepAlive(client, pingMs, pingMs * 2)
      // oxlint-disable-next-line no-new -- it lives as long as the client that it listens to
      new Connection(shared, { client, outlet: createOutlet(client, socket), upgrade: request })
    })
  }

  return {
    handleUpgrade(request, socket, head) {
      const path = request.url?.split('?', 1)[0]
      if (path !== trpcPath && path !== `${trpcPath}/`) return false
      const refusal = refusalOf(request, options.allowedOrigins)
      if (refusal === undefined) accept(request, socket, head)
      else {
        refuseUpgrade(socket, refusal)
        if (refusal !== NO_HOST)
          logRefusal(options.services.log, refusal, { method: 'GET', url: urlOf(request) })
      }
      return true
    },

    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const client of server.clients) {
        client.send(JSON.stringify(RECONNECT))
        client.close(RESTARTING)
      }
      await Promise.race([closed, sleep(CLOSE_AFTER_MS, undefined, { ref: false })])
      for (const client of server.clients) client.terminate()
      await closed
    },
  }
}

function refusalOf(
  request: IncomingMessage,
  allowedOrigins: readonly string[],
): AgentRuntimeError | undefined {
  if (!hasAddress(request)) return NO_HOST
  return isAllowedOrigin(request.headers, allowedOrigins) ? undefined : foreign(request.headers.origin)
}

function foreign(origin: string | undefined): AgentRuntimeError {
  return new AgentRuntimeError(
    'forbidden',
    `Pages of ${origin} may not open a socket here. The setting allowedOrigins names those that may.`,
  )
}
