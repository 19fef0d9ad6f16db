import type { StoredMessage } from '../contract/message.ts'
import type { RunSummary } from '../contract/run.ts'

/** A run as a conversation's stream announces it. */
export interface ConversationRun extends RunSummary {
  ordinal: number
  lastSeq: number
  /** ISO 8601. */
  createdAt: string
  /** Its input. */
  messages: readonly StoredMessage[]
}

/** How often runs of the conversation that wait were moved, and which was last. */
export interface Moves {
  moves: number
  movedRunId: string | null
}

/** Runs of a conversation, in order. */
export interface ConversationRuns extends Moves {
  runs: readonly ConversationRun[]
  /** There are more after these. */
  hasMore: boolean
}

/** A run that is not over. */
export interface OpenRun {
  id: string
  ordinal: number
  lastSeq: number
}

/** The most runs of a conversation that are open for a reader. A further one begins when one of them is over. */
export const MAX_OPEN_RUNS = 50

/** Enough to tell that there are more than that. */
export const MAX_PROGRESS_RUNS = MAX_OPEN_RUNS + 1

/** How far a conversation is. */
export interface ConversationProgress {
  /** Ordinal of its newest run, 0 where it has none. */
  newest: number
  /** In their order, {@link MAX_PROGRESS_RUNS} at most. */
  open: readonly OpenRun[]
}
