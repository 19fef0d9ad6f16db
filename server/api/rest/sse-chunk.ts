// Events as bytes: https://html.spec.whatwg.org/multipage/server-sent-events.html
// Made once, however many streams they are written to.
import type { AnyRunEvent } from '../../contract/event.ts'
import type { EventBatch } from '../../events/event-ring.ts'
import { toRestEvent } from './wire.ts'

const encoder = new TextEncoder()
export const KEEP_ALIVE = encoder.encode(': keep-alive\n\n')

const frames = new WeakMap<AnyRunEvent, string>()
const chunks = new WeakMap<EventBatch, Uint8Array>()

/** Readers that are up to date share the batch; those a little behind its events. */
export function toChunk(batch: EventBatch): Uint8Array {
  let chunk = chunks.get(batch)
  if (chunk === undefined) chunks.set(batch, (chunk = encoder.encode(batch.map(toFrame).join(''))))
  return chunk
}

function toFrame(event: AnyRunEvent): string {
  let frame = frames.get(event)
  if (frame === undefined) {
    frame = `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(toRestEvent(event))}\n\n`
    frames.set(event, frame)
  }
  return frame
}
