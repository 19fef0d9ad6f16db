// Writes the subscriptions of events byte for byte as tRPC does, but encodes an event once for all readers.
// In tRPC's own pipeline, each event costs each reader many times as much as writing it to a socket.
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { createEventEncoder, encode } from './encode-events.ts'
import { toAgentRuntimeError, toTRPCShape } from './errors.ts'
import { eventIdOf } from './event-id.ts'
import { OPEN_EVENTS, stopped, withLastEventId } from './follow-events.ts'
import { createKeepAlive, deadlinesOf } from './keep-alive.ts'
import type { Principal } from '../contract/principal.ts'
import { orClosed } from './or-closed.ts'
import type { WatchReader } from './watch-reader.ts'
import type { ApiServices } from './services.ts'
import { EVENT_STREAM_HEADERS, toEventStream } from './sse.ts'
import type { SseFormat } from './sse.ts'
import type { SubscriptionPath } from './subscription-paths.ts'

const HEADERS = {
  ...EVENT_STREAM_HEADERS,
  'content-type': 'text/event-stream',
  connection: 'keep-alive',
  vary: 'trpc-accept, accept',
} as const

const encodeEvents = createEventEncoder(
  (event) => `data: ${JSON.stringify(event)}\nid: ${eventIdOf(event)}\n\n\n`,
)

/**
 * The settings that a client gets at the beginning, and that the router gives to tRPC. A client recognises a
 * dead connection by its silence.
 */
export function toClientOptions(streamKeepAliveMs: number): { reconnectAfterInactivityMs: number } {
  return { reconnectAfterInactivityMs: deadlinesOf(streamKeepAliveMs).idleMs }
}

interface Asked {
  identify(): Promise<Principal>
  /** Counts a refusal, since the status does not tell of it. */
  refused(): void
}

/** Answers a GET of the subscription that is no batch. */
export function createSubscriptionHandler(
  path: SubscriptionPath,
  services: ApiServices,
  watchReader: WatchReader,
): (request: Request, asked: Asked) => Promise<Response> {
  const { log, stopping, streamKeepAliveMs } = services
  const keepAlive = createKeepAlive(streamKeepAliveMs)
  const { runningMs, idleMs } = deadlinesOf(streamKeepAliveMs)
  // tRPC's client uses the newest value that it got.
  const connected = (ms: number) => frame('connected', JSON.stringify({ reconnectAfterInactivityMs: ms }))
  const opening = connected(idleMs)
  const idle = encode(opening)
  const running = runningMs < idleMs ? encode(connected(runningMs)) : idle
  const ending = frame('return', '')
  const refusal = (error: unknown) => {
    const shape = toTRPCShape(toAgentRuntimeError(error, log), path)
    return frame('serialized-error', JSON.stringify(shape))
  }
  const format: SseFormat = {
    pace: (isRunning) => (isRunning ? running : idle),
    keepAlive: encode(frame('ping', '')),
    encode: encodeEvents,
    closing(error) {
      if (error !== undefined) return encode(refusal(error))
      return encode(stopping.aborted ? refusal(stopped()) : ending)
    },
  }

  return async (request, { identify, refused }) => {
    try {
      const principal = await identify()
      const input = readInput(request)
      const { signal } = request
      const { batches, confirm } = await OPEN_EVENTS[path](services, { principal, input, signal })
      const watch = orClosed(batches, () => watchReader({ request, principal, check: confirm }))
      return new Response(toEventStream(batches, format, { keepAlive, watch }), { headers: HEADERS })
    } catch (error) {
      refused()
      // A subscription is refused inside of its stream, because an EventSource does not report the HTTP
      // status.
      return new Response(opening + refusal(error), { headers: HEADERS })
    }
  }
}

function frame(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n\n`
}

function readInput(request: Request): unknown {
  const { searchParams } = new URL(request.url)
  const text = searchParams.get('input')
  const input = text === null || text === '' ? undefined : parseJson(text)
  const lastEventId =
    request.headers.get('last-event-id') ??
    searchParams.get('lastEventId') ??
    searchParams.get('Last-Event-Id')
  return withLastEventId(input, lastEventId === '' ? null : lastEventId)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AgentRuntimeError('bad_request', error instanceof Error ? error.message : 'Invalid input', {
      cause: error,
    })
  }
}
