import type { AnyRunEvent } from '../../contract/event.ts'
import type { EventBatch } from '../../events/event-ring.ts'
import { eventIdOf } from '../event-id.ts'
import { toFrames } from './frames.ts'

/**
 * How many heads can share frames: those that many clients' subscriptions have, mostly the first one of a
 * page.
 */
const SHARED_HEADS = 16

const rests = new WeakMap<AnyRunEvent, string>()
const pieces = new WeakMap<EventBatch, Map<string, readonly Buffer[]>>()

/** Bytes of a piece, which has at least one event, however large. */
const MAX_PIECE_CHARACTERS = 256 * 1024

/**
 * The beginning of each message, which differs between subscribers. `toRest` makes all that comes after it.
 */
export function toHead(call: { id: number | string | null; jsonrpc?: '2.0' | undefined }): string {
  return JSON.stringify(call).slice(0, -1)
}

/**
 * Events as tRPC's adapter writes them, in pieces of whole frames. An event is encoded once for all its readers, and
 * readers that are up to date and have the same head share the bytes of a whole batch.
 */
export function toEventFrames(head: string, batch: EventBatch): readonly Buffer[] {
  let made = pieces.get(batch)
  if (made === undefined) pieces.set(batch, (made = new Map()))
  const known = made.get(head)
  if (known !== undefined) return known
  const frames = inPieces(batch.map(toRest)).map((rests) => toFrames(head, rests))
  if (made.size < SHARED_HEADS) made.set(head, frames)
  return frames
}

function inPieces(rests: readonly string[]): string[][] {
  const split: string[][] = []
  let characters = Infinity
  for (const rest of rests) {
    if (characters + rest.length > MAX_PIECE_CHARACTERS) {
      split.push([])
      characters = 0
    }
    split.at(-1)?.push(rest)
    characters += rest.length
  }
  return split
}

function toRest(event: AnyRunEvent): string {
  let rest = rests.get(event)
  if (rest === undefined) {
    const id = eventIdOf(event)
    const data = `{"id":"${id}","data":${JSON.stringify(event)}}`
    rests.set(event, (rest = `,"result":{"type":"data","data":${data},"id":"${id}"}}`))
  }
  return rest
}
