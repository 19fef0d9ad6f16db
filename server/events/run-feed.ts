import type { AnyRunEvent } from '../contract/event.ts'
import { isTerminalEvent } from '../contract/terminal.ts'
import type { Hint } from '../ports/event-bus.ts'
import type { EventStore } from '../ports/store/event-store.ts'
import { EventRing, approximateBytes } from './event-ring.ts'
import type { EventBatch } from './event-ring.ts'

/** The most events that one look reads. */
const PAGE = 500
/**
 * Measured by `approximateBytes`. A page that the store cut short is always far larger, even though `approximateBytes`
 * ignores compression.
 */
const SMALLEST_CUT_PAGE = 10_000

/** Called with the newest event that a hint led to. */
type OnHeard = (newest: AnyRunEvent) => void

interface FeedReader {
  /** Called when there may be more to take. */
  onNews(): void
  /** Called when reading failed: nothing more will come. */
  onFailure(error: unknown): void
  /** Ends the reader without an error. */
  close(): void
}

/**
 * Reads a run for all its readers in this process. It keeps the newest events, and looks for more on a hint or a poll,
 * one look at a time. It never waits for a reader.
 */
export class RunFeed {
  readonly runId: string
  readonly #read: EventStore['readNewEvents']
  readonly #onHeard: OnHeard | undefined
  readonly #ring: EventRing
  readonly #readers = new Set<FeedReader>()
  /** The highest `seq` that was announced since the current look began. Infinity: anything may be new. */
  #announced = 0
  #isLooking = false
  #isOver = false

  /** @param run `afterSeq` is where the feed begins; it holds no event up to that. */
  constructor(
    run: { runId: string; afterSeq: number },
    { read, onHeard }: { read: EventStore['readNewEvents']; onHeard?: OnHeard | undefined },
  ) {
    this.runId = run.runId
    this.#read = read
    this.#onHeard = onHeard
    this.#ring = new EventRing(run.afterSeq)
  }

  /** It has the terminal event. */
  get isOver(): boolean {
    return this.#isOver
  }

  get isFollowed(): boolean {
    return this.#readers.size > 0
  }

  get floor(): number {
    return this.#ring.floor
  }

  /** The events after the cursor; undefined when the reader has to ask the store. */
  after(seq: number): EventBatch | undefined {
    return this.#ring.after(seq)
  }

  add(reader: FeedReader): void {
    this.#readers.add(reader)
  }

  remove(reader: FeedReader): void {
    this.#readers.delete(reader)
  }

  onHint({ seq, events }: Extract<Hint, { kind: 'events' }>): void {
    if (seq <= this.#ring.end) return
    if (events !== undefined && continues(events, this.#ring.end, seq)) this.#append(events, true)
    else this.#lookFor(seq)
  }

  /** Always looks. If a look is under way, another follows it. */
  look(): void {
    this.#lookFor(Infinity)
  }

  /** As `look`, but a look under way suffices. */
  poll(): void {
    if (!this.#isLooking) this.look()
  }

  /** Nothing more will come. */
  end(): void {
    for (const reader of [...this.#readers]) reader.close()
  }

  #lookFor(seq: number): void {
    this.#announced = Math.max(this.#announced, seq)
    if (this.#isLooking || this.#isOver) return
    this.#isLooking = true
    void this.#lookUntilNothingIsLeft()
  }

  async #lookUntilNothingIsLeft(): Promise<void> {
    try {
      while (this.#announced > this.#ring.end && !this.#isOver && this.isFollowed) {
        const heard = this.#announced
        // Clear it before the query: a hint that arrives while it runs needs another look.
        this.#announced = 0
        const events = await this.#read(this.runId, this.#ring.end, PAGE)
        if (isCutShort(events, heard)) this.#lookFor(events.length === PAGE ? Infinity : heard)
        this.#append(events, heard !== Infinity)
      }
    } catch (error) {
      for (const reader of [...this.#readers]) reader.onFailure(error)
    } finally {
      this.#isLooking = false
    }
  }

  #append(events: EventBatch, isHeard: boolean): void {
    if (this.#isOver || !this.#ring.append(events)) return
    const newest = events.at(-1)
    this.#isOver = isTerminalEvent(newest?.type ?? '')
    if (isHeard && newest !== undefined) this.#onHeard?.(newest)
    for (const reader of this.#readers) reader.onNews()
  }
}

/** Whether the store may have more than this page: pages are also bounded in bytes. */
function isCutShort(events: EventBatch, heard: number): boolean {
  const last = events.at(-1)
  if (last === undefined || events.length === PAGE) return last !== undefined
  if (heard !== Infinity) return last.seq < heard
  return events.reduce((sum, { payload }) => sum + approximateBytes(payload), 0) >= SMALLEST_CUT_PAGE
}

/** Whether these are all events up to `seq`, without a gap after `end`. */
function continues(events: EventBatch, end: number, seq: number): boolean {
  const first = events[0]?.seq ?? Infinity
  return first <= end + 1 && events.at(-1)?.seq === seq && events.length === seq - first + 1
}
