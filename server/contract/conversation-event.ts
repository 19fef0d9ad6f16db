import type { AnyRunEvent, EventEnvelope } from './event.ts'
import type { StoredMessage } from './message.ts'
import type { RunStatus } from './run.ts'

/** Opens a run in the stream of its conversation, with what its row said when it was read. Its `seq` is 0. */
export interface RunCreatedEvent extends EventEnvelope {
  type: 'run.created'
  payload: {
    agentKey: string
    /** Grows from one run of a conversation to the next. */
    ordinal: number
    /** The status when the row was read. Later events may change it. */
    status: RunStatus
    /** The run's input messages. */
    messages: StoredMessage[]
  }
}

/** The run was deleted before this reader had all of it. */
export interface RunDeletedEvent extends EventEnvelope {
  type: 'run.deleted'
  payload: Record<string, never>
}

/**
 * The run waits for its turn and has another place in the queue; other runs may have too. Sent only while the
 * stream is open.
 */
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
  /** Pass it back as `after` to continue after this event. */
  cursor: string
}

/** The same, of unknown type, as every transport carries it. */
export interface AnyConversationEvent extends AnyRunEvent {
  cursor: string
}
