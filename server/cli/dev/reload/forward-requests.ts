import { EventEmitter, once } from 'node:events'
import { Agent, ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createProxyServer } from 'httpxy'
import type { RequestListener } from '../../http-server.ts'

export interface Forwarding {
  listener: RequestListener
  /** For connections that leave HTTP, which WebSockets do. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /**
   * Resolves when no request to `url` waits for its answer any more, or when a request has waited for long.
   */
  settled(url: string): Promise<void>
}

const SETTLE_MAX_MS = 1_000

/**
 * Forwards requests to the server whose address `target` returns at that moment; answers 503 while there is
 * none.
 */
export function forwardRequests(target: () => string | undefined): Forwarding {
  const proxy = createProxyServer({ agent: new Agent({ keepAlive: true }) })
  const unanswered = new Map<IncomingMessage, string>()
  const answers = new EventEmitter<{ answered: [] }>()

  function onAnswered(request: IncomingMessage): void {
    if (unanswered.delete(request)) answers.emit('answered')
  }

  proxy.on('proxyRes', (_answer, request, response) => {
    onAnswered(request)
    // A stream's head must not wait for its first event. Its headers are copied right after this event.
    process.nextTick(() => response.flushHeaders())
  })
  proxy.on('error', (_error, _request, response) => {
    // Either the server has just died, or the client is gone.
    if (response instanceof ServerResponse && !response.headersSent) unavailable(response)
    else response?.destroy()
  })

  return {
    listener(request, response) {
      const url = target()
      if (url === undefined) return unavailable(response)
      unanswered.set(request, url)
      response.once('close', () => onAnswered(request))
      // If the answer breaks off here, it breaks off for the client too.
      proxy.web(request, response, { target: url }).catch(() => response.destroy())
    },

    upgrade(request, socket, head) {
      const url = target()
      if (url === undefined) return void socket.destroy()
      proxy.ws(request, socket as Socket, { target: url }, head).catch(() => socket.destroy())
    },

    async settled(url) {
      const signal = AbortSignal.timeout(SETTLE_MAX_MS)
      while ([...unanswered.values()].includes(url) && !signal.aborted) {
        await once(answers, 'answered', { signal }).catch((error: unknown) => {
          if (!signal.aborted) throw error
        })
      }
    },
  }
}

function unavailable(response: ServerResponse): void {
  response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '1' })
  response.end('Starting again. Try again in a moment.\n')
}
