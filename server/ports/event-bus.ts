import type { AnyRunEvent } from '../contract/event.ts'
import type { RunAppend } from './attempt.ts'

/** Something happened that other processes may want to look at. Nobody relies on a hint: the store has the truth. */
export type Hint =
  /**
   * `seq` is that of the newest event. A bus that carries payloads adds the newest `events`, without gaps up to `seq`.
   */
  | { kind: 'events'; runId: string; seq: number; events?: readonly AnyRunEvent[] | undefined }
  /** Its worker looks at the run's row, which says what to do. */
  | { kind: 'cancel'; runId: string }
  /** The run was deleted: it no longer has a row. */
  | { kind: 'deleted'; runId: string }
  /**
   * Look at the conversation: runs began, waiting runs were moved, or it was deleted. A new run that may be taken now
   * is only announced by `queued`.
   */
  | { kind: 'conversation'; conversationId: string }
  /** Runs that may be taken now. Without `runs` there may be any number of them. */
  | { kind: 'queued'; agentKey: string; runs?: readonly OfferedRun[] | undefined }
  /** A worker is present, or is leaving. `agents` is one text for all its agents. */
  | { kind: 'worker'; workerId: string; agents: string; isLeaving: boolean }

/** A run to be taken. Once it has an event after `seq`, a worker has taken it or it is over. */
export interface OfferedRun {
  runId: string
  seq: number
  /** Set when the run is new in this conversation. */
  conversationId?: string | undefined
}

/** A hint to be sent. `written` holds the newest events, for buses that carry payloads. */
export type NewHint =
  | Exclude<Hint, { kind: 'events' }>
  | { kind: 'events'; runId: string; seq: number; written?: readonly RunAppend[] }

export interface HintListener {
  onHint(hint: Hint): void
  /** Called after each gap in listening. Hints may have been lost, so look at everything once. */
  onResync(): void
}

/** Hints of one run arrive in the order of their `seq`. Several that were sent close together may arrive as one. */
export interface EventBus {
  /**
   * Resolves when hints arrive, or when it gives up for now and polling has to suffice. Rejects with the reason when
   * the bus is set up wrongly.
   */
  start(): Promise<void>
  /** Whether hints of other processes arrive now. */
  readonly isListening: boolean
  /** Sends hints after their cause has committed. Never throws: a lost hint costs latency only. */
  publish(hints: readonly NewHint[]): void
  /** @returns a function that unsubscribes. */
  subscribe(listener: HintListener): () => void
  /** Sends what was published, then ends the connections. */
  stop(): Promise<void>
}
