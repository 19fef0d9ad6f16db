import type { AnyRunEvent } from '../contract/event.ts'
import type { EventBatch } from '../events/event-ring.ts'

const encoder = new TextEncoder()

export const encode = (text: string): Uint8Array => encoder.encode(text)

/**
 * Events as bytes, made once, however many streams they are written to: readers that are up to date share
 * the batch, those a little behind its events.
 */
export function createEventEncoder(
  toFrame: (event: AnyRunEvent) => string,
): (batch: EventBatch) => Uint8Array {
  const frames = new WeakMap<AnyRunEvent, string>()
  const chunks = new WeakMap<EventBatch, Uint8Array>()

  function frameOf(event: AnyRunEvent): string {
    let frame = frames.get(event)
    if (frame === undefined) frames.set(event, (frame = toFrame(event)))
    return frame
  }

  return (batch) => {
    let chunk = chunks.get(batch)
    if (chunk === undefined) chunks.set(batch, (chunk = encode(batch.map(frameOf).join(''))))
    return chunk
  }
}
