import { resolveHeaders } from './links.ts'
import { SocketStream } from './socket-stream.ts'
import type { SocketStreamOptions } from './socket-stream.ts'
import { createSockets } from './sockets.ts'
import { toAgentError } from './to-agent-error.ts'
import type { RunTransport } from './transport.ts'

/** Like `createSocketTransport`, with sockets of its own. */
export function transportOverSockets(
  options: Omit<SocketStreamOptions, 'sockets'> & Parameters<typeof createSockets>[0],
): RunTransport {
  return createSocketTransport({ ...options, sockets: createSockets(options) })
}

/** Streams share sockets, because a browser has six connections to a server and a page may show more runs. */
export function createSocketTransport(options: SocketStreamOptions): RunTransport {
  const { http, headers } = options
  return {
    getRun: http.getRun,
    openStream(request, observer) {
      let isLeft = false
      let stream: SocketStream | undefined
      void resolveHeaders(headers).then(
        (caller) => {
          if (!isLeft) stream = new SocketStream(options, caller, request, observer)
        },
        (error: unknown) => {
          if (!isLeft) observer.onFailed(toAgentError(error))
        },
      )
      return () => {
        isLeft = true
        stream?.close()
      }
    },
  }
}
