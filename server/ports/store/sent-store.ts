import type { JsonObject, Json } from '../../contract/json.ts'
import type { UserMessage } from '../../contract/message.ts'
import type { Budget, Preferences, Run } from '../../contract/run.ts'
import type { CreatedRun, NewRun } from '../create-run.ts'
import type { Owner } from '../owner.ts'

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
 * `full`: it has not read so many.
 */
export type SendOutcome =
  | { kind: 'sent'; run: Run; messageId: string; isNew: boolean }
  | { kind: 'over'; run: Run }
  | { kind: 'alone' }
  | { kind: 'full'; unread: number }
  | { kind: 'not-found' }

/** A message that an attempt takes. */
export interface TakenMessage {
  position: number
  id: string
  body: UserMessage
}

/** What a run that is over was sent and has not read, with what the next one is created with. */
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
}

/** Messages that are sent to runs under way. */
export interface SentStore {
  sendMessage(owner: Owner, sent: NewSentMessage): Promise<SendOutcome>
  /** Takes what no stored step has, in the order in which it was sent. Nothing, when the attempt has lost its run. */
  takeSent(run: { id: string; attempt: number }): Promise<TakenMessage[]>
  /** What these runs have left; null: any runs. */
  findLeft(runIds: readonly string[] | null): Promise<LeftMessages[]>
  /**
   * Creates the next run of the conversation, once for each key, before those that wait there, with what the one that is over has left: of the
   * owner that this has by now, and on its branch. Where the conversation is gone, what was left in it goes too.
   */
  passOn(
    from: Pick<LeftMessages, 'runId' | 'owner' | 'conversationId'>,
    next: NewRun,
    options: { lockPatienceMs: number },
  ): Promise<CreatedRun>
}
