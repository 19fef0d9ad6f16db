import { z } from 'zod'
import { Json, JsonObject } from './json.ts'
import { HistoryMessage, MessageId } from './message.ts'
import { pageLimit, wholeNumber } from './page.ts'
import { Owner } from './principal.ts'
import { ConversationId, ExternalId } from './run.ts'
import { Scope } from './scope.ts'
import { SearchWords } from './search.ts'
import { NewWebhooks } from './webhook.ts'

/** Groups the runs of one dialogue. */
export type Conversation = z.infer<typeof Conversation>
export const Conversation = z.object({
  id: ConversationId,
  /** Who created it, or who owns it since a claim. */
  owner: Owner,
  agentKey: z.string().nullable(),
  /** The caller's own key of it; null if it has none. */
  externalId: z.string().nullable(),
  title: z.string().nullable(),
  metadata: JsonObject,
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  /** Since when lists leave it out; null if they do not. */
  archivedAt: z.iso.datetime().nullable(),
})

/** A conversation without its contents. */
export type ConversationSummary = Pick<Conversation, 'id' | 'owner' | 'agentKey'>

/** A call of a tool in a run that was broken off. */
export type BrokenOffCall = z.infer<typeof BrokenOffCall>
export const BrokenOffCall = z.object({
  toolCallId: z.string(),
  tool: z.string(),
  arguments: Json,
  /** Left out if there was none when the run ended. */
  result: Json.optional(),
  isError: z.boolean().optional(),
})

/** The calls of a message of a run that failed, timed out or was cancelled. They are no part of the history. */
export type BrokenOffCalls = z.infer<typeof BrokenOffCalls>
export const BrokenOffCalls = z.object({
  /** That of a message in `messages` if it also has a text. */
  messageId: z.string(),
  runId: z.uuid(),
  /** ISO 8601 in UTC. */
  createdAt: z.iso.datetime(),
  /** The message in `messages` after which it came, or itself if it is one. */
  afterId: z.string(),
  calls: z.array(BrokenOffCall),
})

/** A conversation with a window of its history; `limit` and `offset` count back from the newest message. */
export type ConversationDetail = z.infer<typeof ConversationDetail>
export const ConversationDetail = Conversation.extend({
  /** The path to the chosen leaf, oldest first. */
  messages: z.array(HistoryMessage),
  totalMessages: z.int(),
  hasMore: z.boolean(),
  /**
   * Calls of the window's runs that were broken off, as far as the reader may see their events; oldest first.
   * Left out if there are none.
   */
  brokenOff: z.array(BrokenOffCalls).optional(),
  /**
   * The position that `messages` belong to. `events` after it continue from there, with runs under way from
   * their first event.
   */
  cursor: z.string(),
})

const Title = z.string().max(500)

export type CreateConversationRequest = z.input<typeof CreateConversationInput>
export type CreateConversationInput = z.infer<typeof CreateConversationInput>
export const CreateConversationInput = z.object({
  agentKey: z.string().min(1).optional(),
  /**
   * If the caller has a conversation with this key, it is returned unchanged; otherwise a new one is created.
   */
  externalId: ExternalId.optional(),
  title: Title.optional(),
  metadata: JsonObject.default({}),
  /**
   * Endpoints that are told when a run of it waits or is over. At most 5. An existing conversation keeps its
   * own.
   */
  webhooks: NewWebhooks.optional(),
})

export const ConversationRef = z.object({ conversationId: ConversationId })

/** Changes of a conversation. Fields that are left out stay the same. */
export type UpdateConversationRequest = z.input<typeof UpdateConversationInput>
export type UpdateConversationInput = z.infer<typeof UpdateConversationInput>
export const UpdateConversationInput = ConversationRef.extend({
  /** Null for none in particular. */
  agentKey: z.string().min(1).nullable().optional(),
  /** Null for none. Refused with `conflict` if another conversation of the owner has it. */
  externalId: ExternalId.nullable().optional(),
  /** Null for none. */
  title: Title.nullable().optional(),
  /** Replaces the old metadata. */
  metadata: JsonObject.optional(),
  /** Whether lists leave it out. */
  archived: z.boolean().optional(),
  /** Replaces all webhooks. One with the same URL keeps its id and its deliveries. */
  webhooks: NewWebhooks.optional(),
})

export type GetConversationRequest = z.input<typeof GetConversationInput>
export type GetConversationInput = z.infer<typeof GetConversationInput>
export const GetConversationInput = z.object({
  conversationId: ConversationId,
  limit: pageLimit(1000, 100),
  offset: z.int(wholeNumber('offset')).min(0).default(0),
  /** Also messages of runs that failed, timed out, or were cancelled before they began. */
  includeFailedRuns: z.boolean().default(false),
  /** Also what the models thought, as parts of their messages. */
  includeDebug: z.boolean().default(false),
})

/** The input that follows a conversation. */
export const ConversationEventsInput = ConversationRef.extend({
  /** `cursor` of the last event seen, or of `get`; `now` for what is under way or still to come. Default: from the beginning. */
  after: z.string().nullish(),
  includeDebug: z.boolean().optional(),
  includeAll: z.boolean().optional(),
})

/** Of a filter's JSON. */
const MAX_METADATA_CHARACTERS = 2_000
/** A message of a conversation; the branch that contains it is chosen. */
export type SelectMessageInput = z.infer<typeof SelectMessageInput>
export const SelectMessageInput = ConversationRef.extend({ messageId: MessageId })

/** The input that copies a conversation, up to a message, into a new one. */
export type ForkConversationRequest = z.input<typeof ForkConversationInput>
export const ForkConversationInput = ConversationRef.extend({
  messageId: MessageId,
  /** Null for none. Default: that of the other conversation. */
  title: Title.nullable().optional(),
  /** Default: that of the other conversation. */
  metadata: JsonObject.optional(),
})

export type ListConversationsRequest = z.input<typeof ListConversationsInput>
export type ListConversationsInput = z.infer<typeof ListConversationsInput>
export const ListConversationsInput = z.object({
  agentKey: z.string().optional(),
  externalId: z.string().optional(),
  /**
   * Conversations whose metadata contains this value, at any depth: objects may have more fields, and lists
   * more items. At most 2,000 characters of JSON.
   */
  metadata: JsonObject.refine(
    (value) => JSON.stringify(value).length <= MAX_METADATA_CHARACTERS,
    `expected at most ${MAX_METADATA_CHARACTERS} characters of JSON`,
  ).optional(),
  /**
   * Each of these words must occur in the title or in texts of users and assistants, also within another word, in any case. At most 200
   * characters and 20 words.
   */
  search: SearchWords.optional(),
  /** Archived conversations (true), others (false), or `all`. Default: false. */
  archived: z.union([z.boolean(), z.literal('all')]).default(false),
  /** Whose: one's own, one's tenant's or anybody's, as far as `authorize` allows. Default: `own`. */
  scope: Scope.default('own'),
  limit: pageLimit(200, 50),
  cursor: z.string().optional(),
})
