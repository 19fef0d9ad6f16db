import type { JsonObject, Json } from '../../contract/json.ts'
import type { UserMessage } from '../../contract/message.ts'
import type { Budget } from '../../contract/budget.ts'
import type { Preferences } from '../../contract/create-run.ts'
import type { Run } from '../../contract/run.ts'
import type { CreatedRun, NewRun } from '../create-run.ts'
import type { Owner } from '../owner.ts'

/** The most bytes, as JSON, of messages that a run has not read. A single message is not larger either. */
export const MAX_UNREAD_BYTES = 1_048_576

export interface NewSentMessage {
  id: string
  runId: string
  message: UserMessage
  /** The caller's idempotency key; null for none. */
  key: string | null
}

/**
 * `sent`: now, or earlier with the same key; `messageId` is then that of the earlier message.
 * `over`: the run is over, or about to be. `alone`: the run is in no conversation, so no later run could read what it
 * leaves unread.
 * `full`: the run has too many unread messages, or too large ones. `spent`: it was sent as many messages as a run may
 * get.
 */
export type SendOutcome =
  | { kind: 'sent'; run: Run; messageId: string; isNew: boolean }
  | { kind: 'over'; run: Run }
  | { kind: 'alone' }
  | { kind: 'full'; unread: number }
  | { kind: 'spent' }
  | { kind: 'not-found' }

/** A message that an attempt takes. */
export interface TakenMessage {
  position: number
  id: string
  body: UserMessage
}

/** A run that left messages unread. `leftAt` orders such runs by their end. */
export interface LeftPlace {
  runId: string
  leftAt: Date
}

/**
 * The messages that a run which succeeded has not read, and the settings of the next run. Those are the settings of the
 * run itself, or of the run that it handed on to.
 */
export interface LeftMessages {
  runId: string
  owner: Owner
  conversationId: string
  agentKey: string
  params: Json | null
  metadata: JsonObject
  preferences: Preferences | null
  maxAttempts: number
  timeoutMs: number
  budget: Budget | null
  priority: number
  traceparent: string | null
  messages: UserMessage[]
  /** The positions of the messages. */
  positions: number[]
  /** Some of the messages tell of runs that this one started. */
  tellsOfEnds: boolean
  /** All of them do: nobody has said anything. */
  isOnlyEnds: boolean
  /** The run handed on, and the next run waits for its turn. */
  isHandedOn: boolean
}

/** `joined`: the run that was handed on to gets the messages. `begun`: it no longer waits, so look again. */
export type PassedOn = CreatedRun | { kind: 'joined' } | { kind: 'begun' }

/** Messages sent to runs under way. */
export interface SentStore {
  sendMessage(owner: Owner, sent: NewSentMessage): Promise<SendOutcome>
  /**
   * Takes the sent messages that no stored step has taken, in the order of sending. Takes none when the attempt has
   * lost its run.
   */
  takeSent(run: { id: string; attempt: number }): Promise<TakenMessage[]>
  /** Runs that left messages unread, after that place. */
  findLeft(after: LeftPlace | null, limit: number): Promise<LeftPlace[]>
  /** Null when the run left nothing, or another run has taken it over. */
  readLeft(runId: string): Promise<LeftMessages | null>
  /** Leaves the unread messages with the run for good. */
  keepLeft(runId: string): Promise<void>
  /**
   * Creates the next run of the conversation with the messages that the ended run left unread, before the runs that
   * wait there. It is created once for each idempotency key, with the ended run's present owner and on its branch. If
   * the messages only tell of ends, it comes after the runs that wait, and on the branch that is chosen. If they tell of
   * any, it is below the ended run. If the conversation is gone, the messages are dropped.
   *
   * @param next null: the run that was handed on to, which has not begun, gets the messages after its own input.
   */
  passOn(
    from: Pick<
      LeftMessages,
      'runId' | 'owner' | 'conversationId' | 'positions' | 'tellsOfEnds' | 'isOnlyEnds'
    >,
    next: NewRun | null,
    options: { lockPatienceMs: number },
  ): Promise<PassedOn>
}
