import { isTerminalEvent } from '../contract/terminal.ts'
import type { EventBatch } from './event-ring.ts'
import { encodeRunPlace } from './conversation-place.ts'

/** The parts of a reader's cursor around the run of a batch. */
export interface Surroundings {
  /** The cursor before the run's own part. */
  head: string
  /** The cursor after the run's own part. */
  tail: string
}

/**
 * The most versions of one batch that are kept, for readers at different places in other runs. Most batches need one.
 */
const SHARED_SURROUNDINGS = 16

const cursored = new WeakMap<EventBatch, Map<string, EventBatch>>()

/**
 * A run's events, each with the reader's cursor after it. Readers at the same place get the same arrays and objects, so
 * that they share their encoded form.
 */
export function withCursors(batch: EventBatch, { head, tail }: Surroundings): EventBatch {
  const key = `${head} ${tail}`
  let made = cursored.get(batch)
  if (made === undefined) cursored.set(batch, (made = new Map()))
  const known = made.get(key)
  if (known !== undefined) return known
  const events = batch.map((event) => {
    // After its last event a run is no longer part of the place. A move is not either.
    const isNoPlace = isTerminalEvent(event.type) || ['run.deleted', 'run.moved'].includes(event.type)
    const own = isNoPlace ? '' : encodeRunPlace(event)
    return { ...event, cursor: `${head}${own}${tail}` }
  })
  if (made.size < SHARED_SURROUNDINGS) made.set(key, events)
  return events
}
