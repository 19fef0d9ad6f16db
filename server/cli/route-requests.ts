import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { isForRuntime } from '../api/runtime-paths.ts'
import type { RuntimePaths } from '../api/runtime-paths.ts'
import { refuseUpgrade } from '../api/socket/refuse-upgrade.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { RequestListener } from './http-server.ts'

/** Passes connections that become WebSockets to `handle`, which returns whether it took them. */
export function routeUpgrades(
  server: Server,
  handle: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean,
): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (handle(request, socket, head)) return
    // Vite shares the port for its hot updates. Without Vite nothing else would answer.
    if (server.listenerCount('upgrade') > 1) return
    // The path without the query, which may have a token.
    const path = request.url?.split('?', 1)[0]
    refuseUpgrade(socket, new AgentRuntimeError('not_found', `There is no socket ${path} here.`))
  })
}

/** Passes requests for the runtime's paths to `api`, and others to `page`. */
export function routeBesidePage(
  api: RequestListener,
  page: RequestListener,
  paths: () => RuntimePaths,
): RequestListener {
  return (request, response) =>
    isForRuntime(request.url, paths()) ? api(request, response) : page(request, response)
}
