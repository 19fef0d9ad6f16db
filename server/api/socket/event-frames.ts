import type { AnyRunEvent } from '../../contract/event.ts'
import type { EventBatch } from '../../events/event-ring.ts'
import { toFrames } from './frames.ts'

/** Of a subscription that many share, most often the first one of a page. */
const SHARED_HEADS = 16

const rests = new WeakMap<AnyRunEvent, string>()
const chunks = new WeakMap<EventBatch, Map<string, Buffer>>()

/** Opens each answer to a call: what differs from one subscriber to the next. `toRest` is all that comes after it. */
export function toHead(call: { id: number | string | null; jsonrpc?: '2.0' | undefined }): string {
  return JSON.stringify(call).slice(0, -1)
}

/**
 * Events as tRPC's adapter writes them, in frames. An event is encoded once for all its readers, and readers that
 * are up to date and have the same head share the bytes of a whole batch.
 */
export function toEventFrames(head: string, batch: EventBatch): Buffer {
  let made = chunks.get(batch)
  if (made === undefined) chunks.set(batch, (made = new Map()))
  const known = made.get(head)
  if (known !== undefined) return known
  const frames = toFrames(head, batch.map(toRest))
  if (made.size < SHARED_HEADS) made.set(head, frames)
  return frames
}

function toRest(event: AnyRunEvent): string {
  let rest = rests.get(event)
  if (rest === undefined) {
    const data = `{"id":"${event.seq}","data":${JSON.stringify(event)}}`
    rests.set(event, (rest = `,"result":{"type":"data","data":${data},"id":"${event.seq}"}}`))
  }
  return rest
}
