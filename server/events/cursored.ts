import { isTerminalEvent } from '../contract/terminal.ts'
import type { EventBatch } from './event-ring.ts'
import { encodeRunPlace } from './conversation-place.ts'

/** Where the run of a batch stands among the open runs of a reader. */
export interface Surroundings {
  /** The cursor up to the run's own part of it. */
  head: string
  /** All after that. */
  tail: string
}

/** Readers of one batch who are elsewhere in other runs: most often there are none. */
const SHARED_SURROUNDINGS = 16

const cursored = new WeakMap<EventBatch, Map<string, EventBatch>>()

/**
 * A run's events with the cursor that a reader has after each: the same arrays and the same events for all who are at the
 * same place, since they share what they make of them.
 */
export function withCursors(batch: EventBatch, { head, tail }: Surroundings): EventBatch {
  const key = `${head} ${tail}`
  let made = cursored.get(batch)
  if (made === undefined) cursored.set(batch, (made = new Map()))
  const known = made.get(key)
  if (known !== undefined) return known
  const events = batch.map((event) => {
    // Nothing comes after the last event of a run, so it is no part of the place any more. A move is no part of one.
    const isNoPlace = isTerminalEvent(event.type) || ['run.deleted', 'run.moved'].includes(event.type)
    const own = isNoPlace ? '' : encodeRunPlace(event)
    return { ...event, cursor: `${head}${own}${tail}` }
  })
  if (made.size < SHARED_SURROUNDINGS) made.set(key, events)
  return events
}
