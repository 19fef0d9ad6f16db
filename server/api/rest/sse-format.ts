import { createEventEncoder, encode } from '../encode-events.ts'
import { eventIdOf } from '../event-id.ts'
import type { SseFormat } from '../sse.ts'
import { toRestEvent } from './wire/event.ts'

export const REST_SSE: SseFormat = {
  keepAlive: encode(': keep-alive\n\n'),
  encode: createEventEncoder(
    (event) =>
      `id: ${eventIdOf(event)}\nevent: ${event.type}\ndata: ${JSON.stringify(toRestEvent(event))}\n\n`,
  ),
}
