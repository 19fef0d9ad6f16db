import type { ConversationRun, ConversationRuns, Moves } from '../ports/conversation-runs.ts'
import { movedBatch } from './conversation-batches.ts'
import { approximateBytes } from './event-ring.ts'
import type { EventBatch } from './event-ring.ts'
import type { Json } from '../contract/json.ts'

/** Runs one look reads at most. */
const PAGE = 20
/** What is held for readers that are a little behind; one run whatever its size. */
const MAX_RUNS = 50
const MAX_BYTES = 256 * 1024

interface FeedReader {
  /** Called when there may be more to take. */
  onNews(): void
  /** Called when nothing more will come: reading failed, or the conversation is not there any more. */
  onFailure(error: unknown): void
}

/** The conversation as its first reader has seen it. */
export interface FeedBeginning extends Moves {
  /** The feed holds no run up to this ordinal. */
  afterOrdinal: number
}

interface FeedOptions extends FeedBeginning {
  conversationId: string
  read(conversationId: string, afterOrdinal: number, limit: number): Promise<ConversationRuns | null>
  /** What readers of a conversation that was deleted are told. */
  gone(): unknown
}

/**
 * Looks which runs began in a conversation, and whether those that wait were moved, for everybody in this process that follows it, one look at a time. It keeps the
 * newest; readers who need older ones ask the store.
 */
export class ConversationFeed {
  readonly conversationId: string
  readonly #options: FeedOptions
  readonly #readers = new Set<FeedReader>()
  #runs: ConversationRun[] = []
  #bytes = 0
  #floor: number
  #end: number
  #moves: number
  #moved: EventBatch | undefined
  #isLooking = false
  #isDue = false

  constructor(options: FeedOptions) {
    this.conversationId = options.conversationId
    this.#options = options
    this.#floor = options.afterOrdinal
    this.#end = options.afterOrdinal
    this.#moves = options.moves
    this.#moved = options.movedRunId === null ? undefined : movedBatch(options.movedRunId)
  }

  get isFollowed(): boolean {
    return this.#readers.size > 0
  }

  /** It has all runs after this ordinal that it knows of. */
  get floor(): number {
    return this.#floor
  }

  /** How often runs that wait were moved, as it was seen last. */
  get moves(): number {
    return this.#moves
  }

  /** What tells of the last move: the same for all readers. */
  get moved(): EventBatch | undefined {
    return this.#moved
  }

  /** The run after the ordinal; null when there is none yet, undefined when the reader has to ask the store. */
  next(ordinal: number): ConversationRun | null | undefined {
    if (ordinal >= this.#end) return null
    if (ordinal < this.#floor) return undefined
    return this.#runs.find((run) => run.ordinal > ordinal) ?? null
  }

  add(reader: FeedReader): void {
    this.#readers.add(reader)
  }

  remove(reader: FeedReader): void {
    this.#readers.delete(reader)
  }

  /** Looks in any case. When a look is under way, another follows it. */
  look(): void {
    this.#isDue = true
    if (this.#isLooking) return
    this.#isLooking = true
    void this.#lookUntilNothingIsLeft()
  }

  /** As `look`, but a look under way will do. */
  poll(): void {
    if (!this.#isLooking) this.look()
  }

  async #lookUntilNothingIsLeft(): Promise<void> {
    try {
      while (this.#isDue && this.isFollowed) {
        // Clear it before the query: a hint that arrives while it runs needs another look.
        this.#isDue = false
        const found = await this.#options.read(this.conversationId, this.#end, PAGE)
        if (found === null) throw this.#options.gone()
        if (found.hasMore) this.#isDue = true
        this.#append(found.runs)
        this.#note(found)
      }
    } catch (error) {
      for (const reader of [...this.#readers]) reader.onFailure(error)
    } finally {
      this.#isLooking = false
    }
  }

  #note({ moves, movedRunId }: Moves): void {
    if (moves === this.#moves || movedRunId === null) return
    this.#moves = moves
    this.#moved = movedBatch(movedRunId)
    for (const reader of [...this.#readers]) reader.onNews()
  }

  #append(runs: readonly ConversationRun[]): void {
    const last = runs.at(-1)
    if (last === undefined) return
    this.#runs.push(...runs)
    this.#end = last.ordinal
    for (const run of runs) this.#bytes += sizeOf(run)
    while (this.#runs.length > 1 && (this.#runs.length > MAX_RUNS || this.#bytes > MAX_BYTES)) {
      const oldest = this.#runs.shift()
      if (oldest === undefined) break
      this.#floor = oldest.ordinal
      this.#bytes -= sizeOf(oldest)
    }
    for (const reader of [...this.#readers]) reader.onNews()
  }
}

const sizeOf = ({ messages }: ConversationRun): number => 500 + approximateBytes(messages as unknown as Json)
