import type {
  Conversation,
  ListConversationsInput,
  UpdateConversationInput,
} from '../../contract/conversation.ts'
import type { JsonObject } from '../../contract/json.ts'
import type { HistoryMessage } from '../../contract/message.ts'
import type { Page, PageCursor } from '../../contract/page.ts'
import type { MoveTurnInput, QueuedTurn } from '../../contract/queued-turn.ts'
import type { RunSummary } from '../../contract/run.ts'
import type { NewWebhook } from '../../contract/webhook.ts'
import type { ConversationProgress, ConversationRuns, Moves } from '../conversation-runs.ts'
import type { Owner, Reach } from '../owner.ts'
import type { RunProgress } from './run-store.ts'
import type { GivenTurn, TurnsToGive } from '../upkeep.ts'

export interface ReadPlace {
  conversationId: string
  /** Runs that a reader is in the middle of. */
  runIds: readonly string[]
}

/** What there is to know of a conversation before it is followed. */
export interface ConversationPlaces extends Moves {
  progress: ConversationProgress
  /** No run of any conversation has a higher ordinal. */
  lastOrdinal: number
  newestRun: RunSummary | null
  /** Those of the asked runs that are there, by id. */
  asked: ReadonlyMap<string, RunProgress>
}

export interface NewConversation {
  id: string
  externalId: string | null
  agentKey: string | null
  title: string | null
  metadata: JsonObject
  webhooks: readonly NewWebhook[]
}

export interface ConversationFork {
  reach: Reach
  conversationId: string
  messageId: string
  owner: Owner
  /** Of the new conversation, and of the run that has what is copied. */
  id: string
  runId: string
  /** Undefined: as the other conversation has it. */
  title: string | null | undefined
  metadata: JsonObject | undefined
}

/** Conversations, their messages and turns. */
export interface ConversationStore {
  /**
   * Where the owner has one with that external id, that is the answer, as it is.
   *
   * @returns null when its owner is a visitor whose session was claimed.
   */
  createConversation(
    owner: Owner,
    conversation: NewConversation,
  ): Promise<{ conversation: Conversation; created: boolean } | null>
  /** Null where it is not there, or not the owner's; `taken` where another of the owner's has the external id. */
  updateConversation(
    owner: Owner,
    conversationId: string,
    changes: Omit<UpdateConversationInput, 'conversationId'>,
  ): Promise<Conversation | 'taken' | null>
  getConversation(reach: Reach, conversationId: string): Promise<Conversation | null>
  listConversations(
    reach: Reach,
    filter: Omit<ListConversationsInput, 'cursor' | 'scope'>,
    cursor: PageCursor | null,
  ): Promise<Page<Conversation>>
  /** A window of a conversation's messages, oldest first; `offset` counts back from the newest. */
  readHistory(
    reach: Reach,
    conversationId: string,
    window: { limit: number; offset: number; includeFailedRuns: boolean },
  ): Promise<{ messages: HistoryMessage[]; total: number; progress: ConversationProgress }>
  /** Null where it is not there for the reader. */
  readConversationPlace(reach: Reach, asked: ReadPlace): Promise<ConversationPlaces | null>
  /** Its runs after an ordinal, in order, at most `limit`; fewer where they were asked much. Null where it is not there any more. */
  readConversationRuns(
    conversationId: string,
    afterOrdinal: number,
    limit: number,
  ): Promise<ConversationRuns | null>
  /** Whose it is; null where its title is a caller's, or somebody else was told to ask for one before. */
  askForTitle(conversationId: string): Promise<Owner | null>
  /** Of one that was asked for, unless a caller has changed it meanwhile. */
  setTitle(conversationId: string, title: string): Promise<void>
  /** Makes the branch that was gone on with last of those that have the message the chosen one. Null where it is not there. */
  selectBranch(owner: Owner, conversationId: string, messageId: string): Promise<Conversation | null>
  /**
   * Copies a path up to a message into a new conversation, whose first run has it; `not-found` where there is no such message, `unanswered`
   * where it is a call of a tool or one of several results, `session-over` where its owner is a visitor whose session was claimed.
   */
  forkConversation(
    fork: ConversationFork,
  ): Promise<Conversation | 'not-found' | 'unanswered' | 'session-over'>
  /** Runs that wait for their turn, the next one first. */
  listTurns(reach: Reach, conversationId: string): Promise<QueuedTurn[]>
  /**
   * Changes the order of those that wait. `no-run`: that is none of the conversation; `not-waiting`: it has begun, or is over;
   * `begins-branch`: a run would come before the one that began its way.
   */
  moveTurn(
    owner: Owner,
    move: MoveTurnInput,
  ): Promise<
    | { kind: 'moved' | 'no-conversation' | 'begins-branch' }
    | { kind: 'no-run' | 'not-waiting'; runId: string }
  >
  /** Gives the next run of each conversation its turn when none is under way there. */
  giveTurns(turns: TurnsToGive): Promise<GivenTurn[]>
}
