import type { ConversationRun, ConversationRuns, Moves } from '../ports/conversation-runs.ts'
import { movedBatch } from './conversation-batches.ts'
import { approximateBytes } from './event-ring.ts'
import type { EventBatch } from './event-ring.ts'
import type { Json } from '../contract/json.ts'

/** The most runs that one look reads. */
const PAGE = 20
/** The most that is held for readers slightly behind. One run is held whatever its size. */
const MAX_RUNS = 50
const MAX_BYTES = 256 * 1024

interface FeedReader {
  /** Called when there may be more to take. */
  onNews(): void
  /** Called when nothing more will come: reading failed, or the conversation was deleted. */
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
  /** The error for readers of a deleted conversation. */
  gone(): unknown
}

/**
 * Looks for new and moved runs of a conversation, one look at a time, for all its readers in this process. It keeps the
 * newest runs; readers who need older ones ask the store.
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

  /** It holds every run after this ordinal, up to the newest it knows. */
  get floor(): number {
    return this.#floor
  }

  /** How often waiting runs were moved, as of the last look. */
  get moves(): number {
    return this.#moves
  }

  /** The event of the last move, shared by all readers. */
  get moved(): EventBatch | undefined {
    return this.#moved
  }

  /** The next run after the ordinal. Null: there is none yet. Undefined: the reader has to ask the store. */
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

  /** Always looks. If a look is under way, another follows it. */
  look(): void {
    this.#isDue = true
    if (this.#isLooking) return
    this.#isLooking = true
    void this.#lookUntilNothingIsLeft()
  }

  /** As `look`, but a look under way suffices. */
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
