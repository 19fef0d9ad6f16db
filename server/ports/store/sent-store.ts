import type { JsonObject, Json } from '../../contract/json.ts'
import type { UserMessage } from '../../contract/message.ts'
import type { Budget } from '../../contract/budget.ts'
import type { Preferences } from '../../contract/create-run.ts'
import type { Run } from '../../contract/run.ts'
import type { CreatedRun, NewRun } from '../create-run.ts'
import type { Owner } from '../owner.ts'

/** What a run has not read, as JSON. No message is larger. */
export const MAX_UNREAD_BYTES = 1_048_576

export interface NewSentMessage {
  id: string
  runId: string
  message: UserMessage
  /** The caller's; null for none. */
  key: string | null
}

/**
 * `sent`: now, or before with the same key; `messageId` is that of then.
 * `over`: the run is, or is about to be. `alone`: it is in no conversation, so that nobody would read what it does not.
 * `full`: it has not read so many, or so much. `spent`: it was sent all that a run may be.
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

/** A run that has left messages, and its place among such runs: the order in which they ended. */
export interface LeftPlace {
  runId: string
  leftAt: Date
}

/** What a run that succeeded was sent and has not read, with what the next one is created with: as it was, or as the run that it has handed on to. */
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
  /** The run that it has handed on to waits for its turn. */
  isHandedOn: boolean
}

/** `joined`: the run that was handed on to has them. `begun`: that waits no more, so look again. */
export type PassedOn = CreatedRun | { kind: 'joined' } | { kind: 'begun' }

/** Messages that are sent to runs under way. */
export interface SentStore {
  sendMessage(owner: Owner, sent: NewSentMessage): Promise<SendOutcome>
  /** Takes what no stored step has, in the order in which it was sent. Nothing, when the attempt has lost its run. */
  takeSent(run: { id: string; attempt: number }): Promise<TakenMessage[]>
  /** Runs that have left messages, from the one after that place on. */
  findLeft(after: LeftPlace | null, limit: number): Promise<LeftPlace[]>
  /** Null where the run has left nothing, or another has it by now. */
  readLeft(runId: string): Promise<LeftMessages | null>
  /** What the run has left is kept with it. */
  keepLeft(runId: string): Promise<void>
  /**
   * Creates the next run of the conversation, once for each key, before those that wait there, with what the one that is over has left: of the
   * owner that this has by now, and on its branch. Where the conversation is gone, what was left in it goes too.
   *
   * @param next null: the run that was handed on to, which has not begun, gets what was left, after its own input.
   */
  passOn(
    from: Pick<LeftMessages, 'runId' | 'owner' | 'conversationId'>,
    next: NewRun | null,
    options: { lockPatienceMs: number },
  ): Promise<PassedOn>
}
