import type { Visibility } from '../contract/visibility.ts'
import { isTerminalEvent } from '../contract/terminal.ts'
import type { EventStore } from '../ports/store/event-store.ts'
import type { EventBatch } from './event-ring.ts'
import type { RunFeed } from './run-feed.ts'
import { RunWork } from './run-work.ts'
import { TakenStream } from './taken-stream.ts'
import { shownTo } from './visibility.ts'

/** How many events a reader who catches up reads at once. This bounds the memory of a slow reader. */
const PAGE = 250

export interface RunEventStreamOptions {
  runId: string
  /** `seq` of the last event the reader has. */
  afterSeq: number
  visibilities: readonly Visibility[]
  /** The run waits for a person or a time. Default: false. */
  isPaused?: boolean | undefined
  /** Undefined when the run is over: then the store has all of it. */
  feed: RunFeed | undefined
  readEvents: EventStore['readEvents']
  /** Called once when the stream is over, for any reason. */
  onClose(): void
}

/**
 * One reader's place in a run. It takes events from the feed, and reads those that the feed no longer holds from the
 * store. It ends after the terminal event, even when the reader may not see that event.
 */
export class RunEventStream extends TakenStream {
  readonly #options: RunEventStreamOptions
  #cursor: number
  /** A page that was read from the store and not filtered yet. */
  #page: EventBatch | undefined
  #isCatchingUp = false
  #hasReachedEnd = false
  readonly #work: RunWork
  /** The run was over when the stream began. */
  readonly #isPast: boolean

  constructor(options: RunEventStreamOptions) {
    super()
    this.#options = options
    this.#cursor = options.afterSeq
    this.#isPast = options.feed === undefined || options.feed.isOver
    this.#work = new RunWork(options.isPaused === true)
    options.feed?.add(this)
  }

  get hasReachedEnd(): boolean {
    return this.#hasReachedEnd
  }

  get isRunning(): boolean {
    return !this.#isPast && this.#work.goesOn && !this.hasAll && !this.isClosed
  }

  protected findNext(): EventBatch | undefined {
    while (!this.hasAll) {
      const batch = this.#page ?? this.#options.feed?.after(this.#cursor)
      this.#page = undefined
      if (batch === undefined) {
        this.#catchUp()
        return undefined
      }
      const last = batch.at(-1)
      if (last === undefined) {
        this.hasAll = this.#options.feed?.isOver === true
        return undefined
      }
      this.#cursor = last.seq
      this.hasAll = this.#hasReachedEnd = isTerminalEvent(last.type)
      for (const event of batch) this.#work.hear(event)
      const shown = shownTo(batch, this.#options.visibilities)
      if (shown.length > 0) return shown
    }
    return undefined
  }

  protected release(): void {
    this.#page = undefined
    this.#options.feed?.remove(this)
    this.#options.onClose()
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
        // Compaction may have removed all events up to the floor. New ones are above it.
        else if (floor === undefined) this.hasAll = true
        else this.#cursor = Math.max(this.#cursor, floor)
        this.tell()
      },
      (error: unknown) => this.fail(error),
    )
  }
}
