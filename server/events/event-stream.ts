import type { Visibility } from '../contract/event.ts'
import { isTerminalEvent } from '../contract/terminal.ts'
import type { EventStore } from '../ports/store/event-store.ts'
import type { EventBatch } from './event-ring.ts'
import type { RunFeed } from './run-feed.ts'
import { shownTo } from './visibility.ts'

/** Events that a reader who catches up reads at once. It bounds what a slow reader costs in memory. */
const PAGE = 250

export interface EventStreamOptions {
  runId: string
  /** `seq` of the last event the reader has. */
  afterSeq: number
  visibilities: readonly Visibility[]
  /** Undefined when the run is over, since all of it is in the store then. */
  feed: RunFeed | undefined
  readEvents: EventStore['readEvents']
  /** Called once when the stream is over, whoever ended it. */
  onClose(): void
}

/**
 * One reader's place in a run, in batches. Read it by `for await`, or, to take no batch before there is room for it, by
 * `consume` and `take`. Ends after the terminal event, whether or not that is visible.
 */
export interface EventStream extends AsyncIterableIterator<EventBatch, void> {
  /** Whether nothing is left to take and nothing will come. */
  readonly isOver: boolean
  /** Whether it has come to what ends it by itself, rather than been closed before, or found its events deleted. */
  readonly hasReachedEnd: boolean
  /**
   * Has `onReady` called whenever `take` may have an answer it did not have before, until the stream is closed.
   *
   * @throws when somebody else takes from it already: what one takes the other would miss.
   */
  consume(onReady: () => void): void
  /**
   * Takes what is there now. Undefined means nothing yet, or nothing ever again if it `isOver`.
   *
   * @throws what the store threw; the stream is closed then.
   */
  take(): EventBatch | undefined
  /** Waits for what `take` will answer, without taking it. */
  peek(): Promise<EventBatch | undefined>
  return(): Promise<IteratorResult<EventBatch, void>>
  /** Ends it without an error. */
  close(): void
  /** Ends it with an error, for `take` to throw. */
  fail(error: unknown): void
}

/**
 * It keeps a cursor and the batch that it takes next. It takes from the feed what the feed still holds, and reads older
 * events from the store.
 */
export class RunEventStream implements EventStream {
  readonly #options: EventStreamOptions
  #cursor: number
  /** A page that was read from the store and not filtered yet. */
  #page: EventBatch | undefined
  #isCatchingUp = false
  /** The next batch to take. */
  #ahead: EventBatch | undefined
  #hasAll = false
  #hasReachedEnd = false
  #isClosed = false
  #failure: { error: unknown } | undefined
  #consumer: (() => void) | undefined
  /** Who waits in `peek`. */
  #waiting: (() => void)[] = []

  constructor(options: EventStreamOptions) {
    this.#options = options
    this.#cursor = options.afterSeq
    options.feed?.add(this)
  }

  get isOver(): boolean {
    return (this.#hasAll || this.#isClosed) && this.#ahead === undefined
  }

  get hasReachedEnd(): boolean {
    return this.#hasReachedEnd
  }

  consume(onReady: () => void): void {
    if (this.#consumer !== undefined) throw new Error('A stream of events has one consumer.')
    this.#consumer = onReady
  }

  take(): EventBatch | undefined {
    this.#lookAhead()
    const taken = this.#ahead
    this.#ahead = undefined
    if (this.isOver) this.#leave()
    return taken
  }

  async peek(): Promise<EventBatch | undefined> {
    for (;;) {
      this.#lookAhead()
      if (this.#ahead !== undefined || this.isOver) return this.#ahead
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async next(): Promise<IteratorResult<EventBatch, void>> {
    await this.peek()
    const value = this.take()
    return value === undefined ? { done: true, value } : { done: false, value }
  }

  async return(): Promise<IteratorResult<EventBatch, void>> {
    this.close()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  close(): void {
    this.#ahead = undefined
    this.#leave()
    this.#tell()
  }

  onNews(): void {
    this.#tell()
  }

  onFailure(error: unknown): void {
    this.fail(error)
  }

  fail(error: unknown): void {
    if (this.#isClosed) return
    this.#failure = { error }
    this.close()
  }

  #tell(): void {
    this.#consumer?.()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #leave(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#page = undefined
    this.#options.feed?.remove(this)
    this.#options.onClose()
  }

  #lookAhead(): void {
    if (this.#failure !== undefined) throw this.#failure.error
    while (this.#ahead === undefined && !this.#hasAll && !this.#isClosed) {
      const batch = this.#page ?? this.#options.feed?.after(this.#cursor)
      this.#page = undefined
      if (batch === undefined) return this.#catchUp()
      const last = batch.at(-1)
      if (last === undefined) {
        this.#hasAll = this.#options.feed?.isOver === true
        return
      }
      this.#cursor = last.seq
      this.#hasAll = this.#hasReachedEnd = isTerminalEvent(last.type)
      const shown = shownTo(batch, this.#options.visibilities)
      if (shown.length > 0) this.#ahead = shown
    }
  }

  #catchUp(): void {
    if (this.#isCatchingUp) return
    this.#isCatchingUp = true
    const { runId, feed, readEvents } = this.#options
    const floor = feed?.floor
    readEvents(runId, this.#cursor, PAGE).then(
      (page) => {
        this.#isCatchingUp = false
        if (page.length > 0) this.#page = page
        // Compaction may have taken the events up to the floor, and new ones are above it.
        else if (floor === undefined) this.#hasAll = true
        else this.#cursor = Math.max(this.#cursor, floor)
        this.#tell()
      },
      (error: unknown) => this.fail(error),
    )
  }
}
