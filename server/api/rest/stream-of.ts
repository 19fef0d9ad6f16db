import type { Context } from 'hono'
import type { Principal } from '../../contract/principal.ts'
import type { EventStream } from '../../events/event-stream.ts'
import { encode } from '../encode-events.ts'
import type { KeepAlive } from '../keep-alive.ts'
import { orClosed } from '../or-closed.ts'
import { EVENT_STREAM_HEADERS, toEventStream } from '../sse.ts'
import type { WatchReader } from '../watch-reader.ts'
import type { RestEnv } from './route.ts'
import { REST_SSE } from './sse-format.ts'

interface Opened {
  /** The id where the stream begins, for readers that are cut off before the first event. */
  cursor?: string
  batches: EventStream
  confirm(principal: Principal): Promise<void>
}

/** Makes the answer that carries an opened stream. */
export function streamOf(
  c: Context<RestEnv>,
  { batches, confirm, cursor }: Opened,
  { keepAlive, watchReader }: { keepAlive: KeepAlive; watchReader: WatchReader },
): Response {
  if (c.req.raw.method === 'HEAD') {
    // Nobody would read or cancel the body.
    batches.close()
    return new Response(null, { headers: EVENT_STREAM_HEADERS })
  }
  const principal = c.get('principal')
  // A stream opened by a ticket goes on as long as the person who got the ticket may see its events.
  const identify = c.get('view') && (async () => principal)
  const watch = orClosed(batches, () =>
    watchReader({ request: c.req.raw, principal, identify, check: confirm }),
  )
  // A frame without data is no event. It only sets the id that an EventSource resumes with.
  const format = cursor === undefined ? REST_SSE : { ...REST_SSE, opening: encode(`id: ${cursor}\n\n`) }
  const body = toEventStream(batches, format, { keepAlive, watch })
  return new Response(body, { headers: EVENT_STREAM_HEADERS })
}
