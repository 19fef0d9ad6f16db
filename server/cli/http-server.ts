import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from './cli-error.ts'
import { createHostCheck } from './dev/host-check.ts'

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => unknown

export interface HttpServer {
  /** Without a slash at the end. */
  readonly url: string
  readonly server: Server
  /** Begins to answer requests; until then every answer is 503. */
  serve(listener: RequestListener): void
  /** Accepts no more connections, and answers 503 on open ones. */
  refuse(): Promise<void>
  /** Resolves when the last connection is closed; closes them itself if it takes long. */
  close(): Promise<void>
}

const CLOSE_AFTER_MS = 1_000

interface Listening {
  host: string
  port: number
  /** Answers only to these names, the loopback's and addresses. Default: to all. */
  allowedHosts?: readonly string[]
  /** The option that chooses another port. */
  option?: string
}

/**
 * Takes the port at once, so that a conflict is known before anything else is started.
 *
 * @throws CliError when that is not possible.
 */
export async function listen({
  host,
  port,
  allowedHosts,
  option = '--port or PORT',
}: Listening): Promise<HttpServer> {
  const unavailable: RequestListener = (_request, response) => {
    response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '1', connection: 'close' })
    response.end('Starting or stopping. Try again in a moment.\n')
  }
  const check = allowedHosts === undefined ? () => undefined : createHostCheck([host, ...allowedHosts])
  let listener = unavailable
  const server: Server = createServer(
    {
      // Clients offer other protocols but do not insist on them; some clients offer HTTP/2 with every
      // request. A refused upgrade is answered like a request, because sockets have several listeners, Vite's
      // among them.
      shouldUpgradeCallback: (request) =>
        isWebSocket(request) && server.listenerCount('upgrade') > 0 && check(request) === undefined,
    },
    (request, response) => {
      const refusal = check(request)
      if (refusal === undefined) listener(request, response)
      else response.writeHead(403, { 'content-type': 'text/plain' }).end(`${refusal}\n`)
    },
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new CliError(explain(error, { host, port, option }), { cause: error })),
    )
    server.listen(port, host, resolve)
  })
  const closed = new Promise<void>((resolve) => server.once('close', resolve))
  return {
    url: urlOf(server.address() as AddressInfo),
    server,
    serve: (next) => void (listener = next),
    refuse: async () => {
      listener = unavailable
      server.close()
    },
    close: async () => {
      server.close()
      await Promise.race([closed, sleep(CLOSE_AFTER_MS)])
      server.closeAllConnections()
    },
  }
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

function explain(
  error: NodeJS.ErrnoException,
  { host, port, option }: { host: string; port: number; option: string },
): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is already in use: stop what uses it, or choose another with ${option}.`
    case 'EACCES':
      return `Port ${port} needs more rights than this process has: choose another with ${option}.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is not an address of this machine: choose another with --host or HOST.`
    default:
      return `Cannot listen on ${host}:${port}: ${error.message}`
  }
}

/** The address for a browser on this machine. */
function urlOf({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://localhost:${port}`
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`
}
