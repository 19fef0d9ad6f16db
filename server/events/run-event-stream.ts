import type { Visibility } from '../contract/event.ts'
import { isTerminalEvent } from '../contract/terminal.ts'
import type { EventStore } from '../ports/store/event-store.ts'
import type { EventBatch } from './event-ring.ts'
import type { RunFeed } from './run-feed.ts'
import { RunWork } from './run-work.ts'
import { TakenStream } from './taken-stream.ts'
import { shownTo } from './visibility.ts'

/** Events that a reader who catches up reads at once. It bounds what a slow reader costs in memory. */
const PAGE = 250

export interface RunEventStreamOptions {
  runId: string
  /** `seq` of the last event the reader has. */
  afterSeq: number
  visibilities: readonly Visibility[]
  /** The run waits for somebody or for a time. Default: false. */
  isPaused?: boolean | undefined
  /** Undefined when the run is over, since all of it is in the store then. */
  feed: RunFeed | undefined
  readEvents: EventStore['readEvents']
  /** Called once when the stream is over, whoever ended it. */
  onClose(): void
}

/**
 * One reader's place in a run. It takes from the feed what the feed still holds, and reads older events from the store. It ends
 * after the terminal event, whether or not that is visible.
 */
export class RunEventStream extends TakenStream {
  readonly #options: RunEventStreamOptions
  #cursor: number
  /** A page that was read from the store and not filtered yet. */
  #page: EventBatch | undefined
  #isCatchingUp = false
  #hasReachedEnd = false
  readonly #work: RunWork
  /** The run was over when this began. */
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
        // Compaction may have taken the events up to the floor, and new ones are above it.
        else if (floor === undefined) this.hasAll = true
        else this.#cursor = Math.max(this.#cursor, floor)
        this.tell()
      },
      (error: unknown) => this.fail(error),
    )
  }
}
