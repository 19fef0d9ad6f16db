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

/** How often waiting runs of the conversation were moved, and which run was moved last. */
export interface Moves {
  moves: number
  movedRunId: string | null
}

/** Runs of a conversation, in order. */
export interface ConversationRuns extends Moves {
  runs: readonly ConversationRun[]
  /** There are more runs after these. */
  hasMore: boolean
}

/** A run that is not over. */
export interface OpenRun {
  id: string
  ordinal: number
  lastSeq: number
}

/** The most runs of a conversation that a reader has open at once. The next one begins when one of them is over. */
export const MAX_OPEN_RUNS = 50

/** One more than a reader may have open, to show that there are more. */
export const MAX_PROGRESS_RUNS = MAX_OPEN_RUNS + 1

/** How far a conversation has come. */
export interface ConversationProgress {
  /** Ordinal of its newest run; 0 when it has none. */
  newest: number
  /** In order of their ordinals, at most {@link MAX_PROGRESS_RUNS}. */
  open: readonly OpenRun[]
}
