import { isTerminal } from '../contract/terminal.ts'
import { MAX_OPEN_RUNS } from '../ports/conversation-runs.ts'
import type { ConversationRun, ConversationRuns } from '../ports/conversation-runs.ts'
import type { ConversationFeed } from './conversation-feed.ts'
import type { RunPlace } from './conversation-place.ts'
import { encodeRunPlace, placeHead } from './conversation-place.ts'
import { createdBatch, deletedBatch } from './conversation-batches.ts'
import { withCursors } from './cursored.ts'
import type { EventBatch } from './event-ring.ts'
import type { EventStream } from './event-stream.ts'
import { TakenStream } from './taken-stream.ts'
import type { RunToOpen, RunState } from './run-to-open.ts'

/** How many runs a reader who catches up reads at once. */
const PAGE = 20

export interface ConversationStreamOptions {
  conversationId: string
  newest: number
  /** How often waiting runs had been moved when the place was read. */
  moves: number
  /** The runs of which the reader has read a part, in the order in which they began. */
  open: readonly (RunPlace & { state: RunState })[]
  /** Undefined for a reader that only reads what the store has now. */
  feed: ConversationFeed | undefined
  readRuns(afterOrdinal: number, limit: number): Promise<ConversationRuns | null>
  readState(runId: string): Promise<RunState>
  openRun(run: RunToOpen): EventStream
  /**
   * Checks that the reader may see this run's events as requested. Rejects with the error for the reader. Default: it
   * may.
   */
  admit: ((run: ConversationRun) => Promise<void>) | undefined
  gone(): unknown
  /** Called once when the stream is over, for any reason. */
  onClose(): void
}

interface OpenRun extends RunPlace {
  /** Undefined when the run was deleted, or while its state is being read. */
  stream: EventStream | undefined
  isDeleted: boolean
  /** It was over when it was opened. Then all of it is read before another run begins. */
  isPast: boolean
}

/**
 * One reader's place in a conversation, as an {@link EventStream}: each run begins with an event made from its row,
 * then its events follow in order. Runs begin in the order of their ordinals; events of runs at the same time
 * interleave. It holds a stream for each open run, and a page of the runs that begin next.
 */
export class ConversationStream extends TakenStream {
  readonly #options: ConversationStreamOptions
  readonly #open: OpenRun[] = []
  #newest: number
  #page: readonly ConversationRun[] = []
  #isReading = false
  /** The run whose admission is being checked, or was granted. */
  #admission: { run: ConversationRun; isAdmitted: boolean } | undefined
  #lastTaken: OpenRun | undefined
  /** The store has no run after those of the page. */
  #hasNoMore = false
  /** Moves that the reader was told of, or that were made before it began. */
  #moves: number

  constructor(options: ConversationStreamOptions) {
    super()
    this.#options = options
    this.#newest = options.newest
    this.#moves = options.moves
    for (const { runId, seq, state } of options.open) {
      const open: OpenRun = { runId, seq, stream: undefined, isDeleted: state === null, isPast: false }
      if (state !== null && state.isOver && seq >= state.lastSeq) continue
      this.#open.push(open)
      if (state !== null) this.#follow(open, state)
    }
    options.feed?.add(this)
  }

  get hasReachedEnd(): boolean {
    return this.hasAll
  }

  get isRunning(): boolean {
    return this.#open.some(({ stream }) => stream?.isRunning === true)
  }

  /** The cursor after the last taken event. */
  get cursor(): string {
    return placeHead(this.#options.conversationId, this.#newest) + this.#open.map(encodeRunPlace).join('')
  }

  protected findNext(): EventBatch | undefined {
    const next = () => this.#begin() ?? this.#takeMove() ?? this.#takeFromOpen()
    let batch = next()
    // A run that ended without a visible event may have kept the next one from beginning.
    while (batch === undefined && this.#settleOver()) batch = next()
    this.hasAll = batch === undefined && this.#isReadToTheEnd()
    return batch
  }

  protected release(): void {
    this.#page = []
    for (const { stream } of this.#open) stream?.close()
    this.#options.feed?.remove(this)
    this.#options.onClose()
  }

  /** Opens the next run, if there is one and it may begin. */
  #begin(): EventBatch | undefined {
    if (this.#open.length >= MAX_OPEN_RUNS || this.#open.some(({ isPast }) => isPast)) return undefined
    const run = this.#admitted(this.#nextRun())
    if (run === undefined) return undefined
    this.#newest = run.ordinal
    this.#page = this.#page.filter(({ ordinal }) => ordinal > run.ordinal)
    const open: OpenRun = { runId: run.id, seq: 0, stream: undefined, isDeleted: false, isPast: false }
    this.#open.push(open)
    this.#follow(open, { lastSeq: run.lastSeq, isOver: isTerminal(run.status) })
    return this.#told(open, createdBatch(run))
  }

  #nextRun(): ConversationRun | undefined {
    const next = this.#page.find(({ ordinal }) => ordinal > this.#newest)
    if (next !== undefined) return next
    const { feed } = this.#options
    const run = feed?.next(this.#newest)
    // Undefined: the run has to be read from the store. Null: there is none.
    if (run === undefined && !this.#hasNoMore) this.#readRuns()
    return run ?? undefined
  }

  #admitted(run: ConversationRun | undefined): ConversationRun | undefined {
    const { admit } = this.#options
    if (run === undefined || admit === undefined) return run
    if (this.#admission?.run.id === run.id) return this.#admission.isAdmitted ? run : undefined
    const admission = { run, isAdmitted: false }
    this.#admission = admission
    admit(run).then(
      () => {
        admission.isAdmitted = true
        this.tell()
      },
      (error: unknown) => this.fail(error),
    )
    return undefined
  }

  /** Tells of a move. The reader's place does not change. */
  #takeMove(): EventBatch | undefined {
    const { moves, moved } = this.#options.feed ?? {}
    // The feed may be older than the reader's own read.
    if (moves === undefined || moves <= this.#moves || moved === undefined) return undefined
    this.#moves = moves
    return withCursors(moved, { head: this.cursor, tail: '' })
  }

  #takeFromOpen(): EventBatch | undefined {
    // Begin after the run that was served last, so that one busy run does not keep the others waiting.
    const first = this.#lastTaken === undefined ? 0 : this.#open.indexOf(this.#lastTaken) + 1
    for (const open of [...this.#open.slice(first), ...this.#open.slice(0, first)]) {
      const batch = open.isDeleted ? deletedBatch(open) : open.stream?.take()
      if (batch === undefined) continue
      this.#lastTaken = open
      const told = this.#told(open, batch)
      open.seq = batch.at(-1)?.seq ?? open.seq
      if (open.isDeleted) this.#drop(open)
      else if (open.stream?.isOver === true) this.#settle(open)
      return told
    }
    return undefined
  }

  /** For a reader without a feed: no open run has more events, and no other run can begin. */
  #isReadToTheEnd(): boolean {
    if (this.#options.feed !== undefined) return false
    const isFull = this.#open.length >= MAX_OPEN_RUNS
    return (this.#hasNoMore || isFull) && this.#open.every(({ stream, isDeleted }) => !stream && !isDeleted)
  }

  /** Settles open runs whose streams are over. @returns whether there were any. */
  #settleOver(): boolean {
    const over = this.#open.filter(({ stream }) => stream?.isOver === true)
    for (const open of over) this.#settle(open)
    return over.length > 0
  }

  /** Called when a run's stream is over. If it ended early, the store is asked why. */
  #settle(open: OpenRun): void {
    if (open.stream?.hasReachedEnd === true) return this.#drop(open)
    open.isPast = false
    open.stream = undefined
    // A reader without a feed comes back for the rest.
    if (this.#options.feed !== undefined) void this.#findOut(open)
  }

  async #findOut(open: OpenRun): Promise<void> {
    try {
      const state = await this.#options.readState(open.runId)
      if (this.isClosed) return
      if (state === null) open.isDeleted = true
      else if (state.isOver && open.seq >= state.lastSeq) this.#drop(open)
      else this.#follow(open, state)
      this.tell()
    } catch (error) {
      this.fail(error)
    }
  }

  #follow(open: OpenRun, { isOver, ...state }: NonNullable<RunState>): void {
    const { runId, seq: afterSeq } = open
    open.isPast = isOver || this.#options.feed === undefined
    open.stream = this.#options.openRun({ runId, afterSeq, isOver, ...state })
    open.stream.consume(this.tell)
  }

  #drop(open: OpenRun): void {
    this.#open.splice(this.#open.indexOf(open), 1)
  }

  /** The batch, with the cursors that its events have for this reader. */
  #told(open: OpenRun, batch: EventBatch): EventBatch {
    const index = this.#open.indexOf(open)
    const [before, after] = [this.#open.slice(0, index), this.#open.slice(index + 1)]
    return withCursors(batch, {
      head: placeHead(this.#options.conversationId, this.#newest) + before.map(encodeRunPlace).join(''),
      tail: after.map(encodeRunPlace).join(''),
    })
  }

  #readRuns(): void {
    if (this.#isReading) return
    this.#isReading = true
    const { feed, readRuns, gone } = this.#options
    const floor = feed?.floor
    readRuns(this.#newest, PAGE).then(
      (found) => {
        this.#isReading = false
        if (found === null) return this.fail(gone())
        this.#page = found.runs
        if (floor === undefined) this.#hasNoMore = !found.hasMore
        // Runs up to the floor may have been deleted, and new ones are above it.
        else if (found.runs.length === 0) this.#newest = Math.max(this.#newest, floor)
        this.tell()
      },
      (error: unknown) => this.fail(error),
    )
  }
}
