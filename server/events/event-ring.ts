import type { AnyRunEvent } from '../contract/event.ts'
import type { Json } from '../contract/json.ts'

/** Events in order. Many readers share a batch, and can reuse its encoded form. */
export type EventBatch = readonly AnyRunEvent[]

interface RingLimits {
  maxEvents: number
  /** Approximate size of all payloads. One event is held whatever its size. */
  maxBytes: number
}

const DEFAULT_LIMITS: RingLimits = { maxEvents: 512, maxBytes: 256 * 1024 }
/** Roughly what an event costs beside its payload. */
const EVENT_OVERHEAD_BYTES = 200

/**
 * The newest events of a run, for readers slightly behind. It holds every event with a `seq` above `floor` and up to
 * `end`. Compaction may have left gaps in the numbers.
 */
export class EventRing {
  readonly #limits: RingLimits
  #events: AnyRunEvent[] = []
  #sizes: number[] = []
  #bytes = 0
  #floor: number
  #end: number
  /** The last batch, even if it is more than the ring may hold, since most readers need exactly that. */
  #latest: { afterSeq: number; events: EventBatch }

  constructor(afterSeq: number, limits: RingLimits = DEFAULT_LIMITS) {
    this.#limits = limits
    this.#floor = afterSeq
    this.#end = afterSeq
    this.#latest = { afterSeq, events: [] }
  }

  get floor(): number {
    return this.#floor
  }

  /** `seq` of the newest event. */
  get end(): number {
    return this.#end
  }

  get size(): { events: number; bytes: number } {
    return { events: this.#events.length, bytes: this.#bytes }
  }

  /** Adds the `events` that are newer than its own. The caller ensures that none is missing in between. */
  append(events: EventBatch): boolean {
    const first = events[0]
    const newer =
      first !== undefined && first.seq > this.#end ? events : events.filter((e) => e.seq > this.#end)
    const last = newer.at(-1)
    if (last === undefined) return false
    this.#latest = { afterSeq: this.#end, events: newer }
    this.#end = last.seq
    for (const event of newer) {
      const size = EVENT_OVERHEAD_BYTES + approximateBytes(event.payload)
      this.#events.push(event)
      this.#sizes.push(size)
      this.#bytes += size
    }
    this.#evict()
    return true
  }

  /** The events after the cursor; undefined when it no longer holds them all. */
  after(seq: number): EventBatch | undefined {
    if (seq === this.#latest.afterSeq) return this.#latest.events
    if (seq < this.#floor) return undefined
    let start = this.#events.length
    while (start > 0 && (this.#events[start - 1]?.seq ?? 0) > seq) start -= 1
    return this.#events.slice(start)
  }

  #evict(): void {
    let count = 0
    while (
      this.#events.length - count > 1 &&
      (this.#events.length - count > this.#limits.maxEvents || this.#bytes > this.#limits.maxBytes)
    ) {
      this.#bytes -= this.#sizes[count] ?? 0
      count += 1
    }
    if (count === 0) return
    this.#sizes.splice(0, count)
    this.#floor = this.#events.splice(0, count).at(-1)?.seq ?? this.#floor
  }
}

/** Approximate size in memory. Encoding as JSON to measure it would cost more. */
export function approximateBytes(value: Json): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  let size = 16
  for (const [key, inner] of Object.entries(value)) size += key.length + approximateBytes(inner)
  return size
}
