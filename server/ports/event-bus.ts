import type { AnyRunEvent } from '../contract/event.ts'
import type { RunAppend } from './attempt.ts'

/**
 * Something happened that other processes may want to look at. Nobody relies on a hint, since the store has the
 * truth.
 */
export type Hint =
  /** `seq` is the newest. Where the bus carries payloads, `events` are the newest ones, without gaps up to `seq`. */
  | { kind: 'events'; runId: string; seq: number; events?: readonly AnyRunEvent[] | undefined }
  /** The run's row says what its attempt is to do. */
  | { kind: 'cancel'; runId: string }
  /** The run was deleted, and has no row any more. */
  | { kind: 'deleted'; runId: string }
  /** Runs began in the conversation, those that wait were moved, or it was deleted: look at it. Runs that may be taken now are told by `queued` alone. */
  | { kind: 'conversation'; conversationId: string }
  /** Runs that may be taken now; without `runs` any number of them. */
  | { kind: 'queued'; agentKey: string; runs?: readonly OfferedRun[] | undefined }
  /** A worker is there, or is leaving. `agents` stands for all the agents it has. */
  | { kind: 'worker'; workerId: string; agents: string; isLeaving: boolean }

/** A run to be taken. Once it has an event after `seq`, somebody has taken it, or it is over. */
export interface OfferedRun {
  runId: string
  seq: number
  /** Of a run that is new there. */
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
   * Resolves when hints arrive here, or when polling has to suffice for now. Rejects with the reason when the bus is set
   * up wrongly.
   */
  start(): Promise<void>
  /** Whether hints of other processes arrive now. */
  readonly isListening: boolean
  /** Sends hints after their cause has committed. Never throws: a lost hint costs latency only. */
  publish(hints: readonly NewHint[]): void
  /** @returns what unsubscribes. */
  subscribe(listener: HintListener): () => void
  /** Sends what was published, then ends the connections. */
  stop(): Promise<void>
}
