import type { AnyRunEvent, EventEnvelope } from './event.ts'
import type { StoredMessage } from './message.ts'
import type { RunStatus } from './run.ts'

/** Opens a run in the stream of its conversation: what its row said when it was read. Its `seq` is 0. */
export interface RunCreatedEvent extends EventEnvelope {
  type: 'run.created'
  payload: {
    agentKey: string
    /** Grows from one run of a conversation to the next. */
    ordinal: number
    /** Events that follow may tell of a later one. */
    status: RunStatus
    /** What the run was asked. */
    messages: StoredMessage[]
  }
}

/** The run was deleted before this reader had all of it. */
export interface RunDeletedEvent extends EventEnvelope {
  type: 'run.deleted'
  payload: Record<string, never>
}

/** The run waits for its turn, and has another place in the queue; others may have too. The stream tells it while it is open. */
export interface RunMovedEvent extends EventEnvelope {
  type: 'run.moved'
  payload: Record<string, never>
}

/** The types that only streams of conversations have. */
export const CONVERSATION_EVENTS: readonly string[] = ['run.created', 'run.deleted', 'run.moved'] satisfies (
  | RunCreatedEvent
  | RunDeletedEvent
  | RunMovedEvent
)['type'][]

/** An event in the stream of a conversation: of one of its runs, or about one. */
export type ConversationEvent<TEvent extends EventEnvelope = AnyRunEvent> = (
  | TEvent
  | RunCreatedEvent
  | RunDeletedEvent
  | RunMovedEvent
) & {
  /** Go on after this event by handing it back as `after`. */
  cursor: string
}

/** The same of unknown type, as every transport carries it. */
export interface AnyConversationEvent extends AnyRunEvent {
  cursor: string
}
