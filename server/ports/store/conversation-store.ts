import type {
  Conversation,
  ListConversationsInput,
  UpdateConversationInput,
} from '../../contract/conversation.ts'
import type { Visibility } from '../../contract/visibility.ts'
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
  /** Runs of which a reader has read a part. */
  runIds: readonly string[]
}

/** The state of a conversation, as a stream needs it to begin. */
export interface ConversationPlaces extends Moves {
  progress: ConversationProgress
  /** No run of any conversation has a higher ordinal. */
  lastOrdinal: number
  newestRun: RunSummary | null
  /** The requested runs that exist, by id. */
  asked: ReadonlyMap<string, RunProgress>
}

/** What was thought for a message. */
export interface MessageReasoning {
  runId: string
  messageId: string
  text: string
}

/** An event of a run that was broken off: a call or its result, or (`text`) the first event of a stored message. */
export type BrokenOffEvent = { runId: string; at: string; payload: unknown } & {
  type: 'tool.call' | 'tool.result' | 'text'
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
  /** Id of the new conversation. `runId` is that of the run that gets the copied messages. */
  id: string
  runId: string
  /** Undefined: as in the original conversation. */
  title: string | null | undefined
  metadata: JsonObject | undefined
}

/** Conversations, their messages and turns. */
export interface ConversationStore {
  /**
   * Returns the owner's conversation with this external id unchanged if there is one.
   *
   * @returns null when its owner is a visitor whose session was claimed.
   */
  createConversation(
    owner: Owner,
    conversation: NewConversation,
  ): Promise<{ conversation: Conversation; created: boolean } | null>
  /**
   * Null when it does not exist or is not the owner's; `taken` when another conversation of the owner has the external
   * id.
   */
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
  /** Those of these runs that are within reach. */
  readSummaries(reach: Reach, runIds: readonly string[]): Promise<RunSummary[]>
  /** What was thought for messages of a history in runs within reach, as far as these visibilities have it. */
  readReasoning(
    reach: Reach,
    messages: readonly { id: string; runId: string }[],
    visibilities: readonly Visibility[],
  ): Promise<MessageReasoning[]>
  /** What these runs within reach told of their calls, if they were broken off; by run, in order. */
  readBrokenOff(
    reach: Reach,
    runIds: readonly string[],
    visibilities: readonly Visibility[],
  ): Promise<BrokenOffEvent[]>
  /** Null when the reader cannot see the conversation. */
  readConversationPlace(reach: Reach, asked: ReadPlace): Promise<ConversationPlaces | null>
  /**
   * Its runs after an ordinal, in order, at most `limit`; fewer when their input is large. Null when it no longer
   * exists.
   */
  readConversationRuns(
    conversationId: string,
    afterOrdinal: number,
    limit: number,
  ): Promise<ConversationRuns | null>
  /**
   * Notes that a title is being asked for. Resolves with the owner; null when a caller set the title, or another
   * process asks already.
   */
  askForTitle(conversationId: string): Promise<Owner | null>
  /** Stores a title that was asked for, unless a caller has set one meanwhile. */
  setTitle(conversationId: string, title: string): Promise<void>
  /** Chooses a branch: among those with the message, the one that was continued last. Null when there is none. */
  selectBranch(owner: Owner, conversationId: string, messageId: string): Promise<Conversation | null>
  /**
   * Copies a path up to a message into the first run of a new conversation. `not-found`: there is no such message.
   * `unanswered`: the message is a tool call, or one of several results. `session-over`: the owner is a visitor whose
   * session was claimed.
   */
  forkConversation(
    fork: ConversationFork,
  ): Promise<Conversation | 'not-found' | 'unanswered' | 'session-over'>
  /** Runs that wait for their turn, the next first. */
  listTurns(reach: Reach, conversationId: string): Promise<QueuedTurn[]>
  /**
   * Changes the order of waiting runs. `no-run`: the run is not of this conversation. `not-waiting`: it has begun, or
   * is over. `begins-branch`: a run would come before the one that began its branch.
   */
  moveTurn(
    owner: Owner,
    move: MoveTurnInput,
  ): Promise<
    | { kind: 'moved' | 'no-conversation' | 'begins-branch' }
    | { kind: 'no-run' | 'not-waiting'; runId: string }
  >
  /** Gives the next run of each conversation its turn, unless another run is under way there. */
  giveTurns(turns: TurnsToGive): Promise<GivenTurn[]>
}
