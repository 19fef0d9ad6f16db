import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AnyRunEvent } from '../server/contract/event.ts'
import type { Json } from '../server/contract/json.ts'
import type { HeadersOption } from './links.ts'
import { resolveHeaders } from './links.ts'
import type { Sockets } from './sockets.ts'
import { toAgentError } from './to-agent-error.ts'
import { inputOf } from './transport.ts'
import type { RunTransport, StreamObserver, StreamRequest } from './transport.ts'

interface SocketTransportOptions {
  sockets: Sockets
  headers: HeadersOption | undefined
  /** Before the names of procedures. */
  prefix: string
  /** For everything but streams. */
  http: RunTransport
  /** Whether streams go over `http` where sockets don't work. */
  fallsBack: boolean
}

/** Streams over sockets that they share: a browser has six connections to a server, and pages with more runs. */
export function createSocketTransport({
  sockets,
  headers,
  prefix,
  http,
  fallsBack,
}: SocketTransportOptions): RunTransport {
  /** The same over HTTP; if that works, it is for the socket that it did not before. */
  const openOverHttp = (request: StreamRequest, observer: StreamObserver) =>
    http.openStream(request, {
      ...observer,
      onOpened() {
        sockets.onUseless()
        observer.onOpened()
      },
    })

  function openOverSocket(
    caller: Record<string, string>,
    request: StreamRequest,
    observer: StreamObserver,
  ): () => void {
    const path = `${prefix}${'runId' in request ? 'runs' : 'conversations'}.events`
    let close = () => {}
    const onUnopened = (error: unknown) => {
      if (fallsBack && sockets.isHopeless) close = openOverHttp(request, observer)
      else observer.onFailed(toAgentError(error))
    }
    const onRefused = (refusal: unknown) => {
      const error = toAgentError(refusal)
      const { maxSubscriptions, refusedHeaders } = detailsOf(error)
      if (typeof maxSubscriptions === 'number') {
        sockets.onFull(maxSubscriptions)
        close = openOverSocket(caller, request, observer)
      } else if (refusedHeaders !== undefined && fallsBack) {
        // A proxy would see them in an ordinary request, and strip those that are its own to set.
        sockets.onUnfit()
        close = http.openStream(request, observer)
      } else observer.onFailed(error)
    }
    try {
      close = sockets.open(caller).subscribe(path, inputOf(request), {
        onStarted() {
          sockets.onProven()
          observer.onOpened()
        },
        // The router's own type, which the wire does not carry.
        onData: (tracked) => observer.onEvent((tracked as { data: AnyRunEvent }).data),
        onStopped: observer.onCompleted,
        onRefused,
        onLost: (error, isProven) => (isProven ? observer.onFailed(toAgentError(error)) : onUnopened(error)),
      })
    } catch (error) {
      onUnopened(error)
    }
    return () => close()
  }

  return {
    getRun: http.getRun,
    openStream(request, observer) {
      if (fallsBack && !sockets.isWorthTrying) return http.openStream(request, observer)
      let isLeft = false
      let close = () => {}
      void resolveHeaders(headers).then(
        (caller) => {
          if (!isLeft) close = openOverSocket(caller, request, observer)
        },
        (error: unknown) => {
          if (!isLeft) observer.onFailed(toAgentError(error))
        },
      )
      return () => {
        isLeft = true
        close()
      }
    },
  }
}

/** What the server says of a refusal beside its words. */
function detailsOf({ details }: AgentRuntimeError): { maxSubscriptions?: Json; refusedHeaders?: Json } {
  return typeof details === 'object' && details !== null && !Array.isArray(details) ? details : {}
}
