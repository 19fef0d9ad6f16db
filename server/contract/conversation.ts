import { z } from 'zod'
import { JsonObject } from './json.ts'
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
  /** Who created it, or whose it has become. */
  owner: Owner,
  agentKey: z.string().nullable(),
  /** The caller's key of it; null where it has none. */
  externalId: z.string().nullable(),
  title: z.string().nullable(),
  metadata: JsonObject,
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  /** Since when lists leave it out; null where they don't. */
  archivedAt: z.iso.datetime().nullable(),
})

/** What tells a conversation from others, without what is in it. */
export type ConversationSummary = Pick<Conversation, 'id' | 'owner' | 'agentKey'>

/** A conversation with a window of its history; `limit` and `offset` count back from the newest message. */
export type ConversationDetail = z.infer<typeof ConversationDetail>
export const ConversationDetail = Conversation.extend({
  /** The path to the chosen leaf, oldest first. */
  messages: z.array(HistoryMessage),
  totalMessages: z.int(),
  hasMore: z.boolean(),
  /** Where this was so: `events` after it go on from what `messages` tell, with runs under way from their first event. */
  cursor: z.string(),
})

const Title = z.string().max(500)

export type CreateConversationRequest = z.input<typeof CreateConversationInput>
export type CreateConversationInput = z.infer<typeof CreateConversationInput>
export const CreateConversationInput = z.object({
  agentKey: z.string().min(1).optional(),
  /** The conversation of the caller's that has it is answered as it is; where there is none, one is made. */
  externalId: ExternalId.optional(),
  title: Title.optional(),
  metadata: JsonObject.default({}),
  /** Endpoints that are told when a run of it waits or is over. At most 5. One that is there already keeps its own. */
  webhooks: NewWebhooks.optional(),
})

export const ConversationRef = z.object({ conversationId: ConversationId })

/** What to change of a conversation. What is left out stays. */
export type UpdateConversationRequest = z.input<typeof UpdateConversationInput>
export type UpdateConversationInput = z.infer<typeof UpdateConversationInput>
export const UpdateConversationInput = ConversationRef.extend({
  /** Null for none in particular. */
  agentKey: z.string().min(1).nullable().optional(),
  /** Null for none. Refused with `conflict` where another conversation of the owner's has it. */
  externalId: ExternalId.nullable().optional(),
  /** Null for none. */
  title: Title.nullable().optional(),
  /** In place of all that was there. */
  metadata: JsonObject.optional(),
  /** Whether lists leave it out. */
  archived: z.boolean().optional(),
  /** In place of all that were there. One with the same URL keeps its id, and its deliveries. */
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
})

/** What follows a conversation. */
export const ConversationEventsInput = ConversationRef.extend({
  /** `cursor` of the last event seen, or of `get`; `now` for what is under way or still to come. Default: from the beginning. */
  after: z.string().nullish(),
  includeDebug: z.boolean().optional(),
  includeAll: z.boolean().optional(),
})

/** Of a filter, as JSON. */
const MAX_METADATA_CHARACTERS = 2_000
/** A message of a conversation, whose way is to be chosen. */
export type SelectMessageInput = z.infer<typeof SelectMessageInput>
export const SelectMessageInput = ConversationRef.extend({ messageId: MessageId })

/** What begins a conversation as another one went, up to a message. */
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
  /** Those whose metadata has all of this, at any depth: an object has more fields, a list more items. At most 2,000 characters of JSON. */
  metadata: JsonObject.refine(
    (value) => JSON.stringify(value).length <= MAX_METADATA_CHARACTERS,
    `expected at most ${MAX_METADATA_CHARACTERS} characters of JSON`,
  ).optional(),
  /**
   * Each of these words must occur in the title or in texts of users and assistants, also within another word, in any case. At most 200
   * characters and 20 words.
   */
  search: SearchWords.optional(),
  /** Those that were archived (true), those that were not (false), or `all`. Default: false. */
  archived: z.union([z.boolean(), z.literal('all')]).default(false),
  /** Whose: one's own, one's tenant's or anybody's, as far as `authorize` allows. Default: `own`. */
  scope: Scope.default('own'),
  limit: pageLimit(200, 50),
  cursor: z.string().optional(),
})
