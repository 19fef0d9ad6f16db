import type {
  Conversation,
  ListConversationsInput,
  UpdateConversationInput,
} from '../../contract/conversation.ts'
import type { JsonObject } from '../../contract/json.ts'
import type { HistoryMessage } from '../../contract/message.ts'
import type { Page, PageCursor } from '../../contract/page.ts'
import type { RunStatus, RunSummary } from '../../contract/run.ts'
import type { ConversationProgress, ConversationRuns } from '../conversation-runs.ts'
import type { Owner, Reach } from '../owner.ts'
import type { RunProgress } from './run-store.ts'
import type { GivenTurn, TurnsToGive } from '../upkeep.ts'

export interface ReadPlace {
  conversationId: string
  /** Runs that a reader is in the middle of. */
  runIds: readonly string[]
}

/** What there is to know of a conversation before it is followed. */
export interface ConversationPlaces {
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
    window: { limit: number; offset: number; statuses: readonly RunStatus[] },
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
  /** Gives the next run of each conversation its turn when none is under way there. */
  giveTurns(turns: TurnsToGive): Promise<GivenTurn[]>
}
