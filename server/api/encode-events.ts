import type { AnyRunEvent } from '../contract/event.ts'
import type { EventBatch } from '../events/event-ring.ts'

const encoder = new TextEncoder()

export const encode = (text: string): Uint8Array => encoder.encode(text)

/**
 * Encodes events as bytes once, however many streams they are written to. Readers that are up to date share
 * the whole batch; readers a little behind share its events.
 */
export function createEventEncoder(
  toFrame: (event: AnyRunEvent) => string,
): (batch: EventBatch) => Uint8Array {
  const frames = new WeakMap<AnyRunEvent, string>()
  const chunks = new WeakMap<EventBatch | AnyRunEvent, Uint8Array>()

  function frameOf(event: AnyRunEvent): string {
    let frame = frames.get(event)
    if (frame === undefined) frames.set(event, (frame = toFrame(event)))
    return frame
  }

  return (batch) => {
    const [first, second] = batch
    // For a batch of one event only the event is remembered: remembering both would take as long as encoding
    // it.
    const isOne = first !== undefined && second === undefined
    const key = isOne ? first : batch
    let chunk = chunks.get(key)
    if (chunk === undefined) {
      chunks.set(key, (chunk = encode(isOne ? toFrame(first) : batch.map(frameOf).join(''))))
    }
    return chunk
  }
}
