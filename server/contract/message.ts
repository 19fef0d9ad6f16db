import { z } from 'zod'
import { Json } from './json.ts'
import { AssistantContent, TextContent, ToolContent, UserContent } from './message-part.ts'

/** Who a message comes from. */
export type MessageRole = z.infer<typeof MessageRole>
export const MessageRole = z.enum(['system', 'user', 'assistant', 'tool'])

/** A model's request to run a tool. `arguments` is the parsed JSON the model produced. */
export type ToolCall = z.infer<typeof ToolCall>
export const ToolCall = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  arguments: Json,
})

/** Who said it, if several people share a role. */
const name = z.string().min(1).max(64).optional()

const SystemMessage = z.object({ role: z.literal('system'), content: TextContent, name })
/** A message of the user. */
export type UserMessage = z.infer<typeof UserMessage>
export const UserMessage = z.object({ role: z.literal('user'), content: UserContent, name })
const AssistantMessage = z.object({
  role: z.literal('assistant'),
  content: AssistantContent.nullable(),
  name,
  toolCalls: z.array(ToolCall).optional(),
})
const ToolMessage = z.object({
  role: z.literal('tool'),
  toolCallId: z.string().min(1),
  content: ToolContent,
})

/**
 * A message in the framework-neutral form every model client and adapter translates from and to.
 * A conversation's history is a list of these.
 */
export type Message = z.infer<typeof Message>
export const Message = z.discriminatedUnion('role', [
  SystemMessage,
  UserMessage,
  AssistantMessage,
  ToolMessage,
])

/** Names a message of a conversation. */
export const MessageId = z.string().min(1).max(300)

/** The fields of a stored message besides its content. */
const kept = {
  /**
   * The `messageId` of its events, so that live text and stored message can be matched. For input messages
   * the runtime makes it.
   */
  id: z.string(),
  /** The run that got it as input, or answered with it. */
  runId: z.uuid(),
  /** ISO 8601 in UTC. */
  createdAt: z.iso.datetime(),
  /** The message is incomplete, because its run failed, timed out or was cancelled. */
  incomplete: z.literal(true).optional(),
}

/** A message of a run. */
export type StoredMessage = z.infer<typeof StoredMessage>
export const StoredMessage = z.intersection(Message, z.object(kept))

/** A message of a conversation, which is a tree of them. */
export type HistoryMessage = z.infer<typeof HistoryMessage>
export const HistoryMessage = z.intersection(
  Message,
  z.object({
    ...kept,
    /** The message that it follows; null for the first. */
    parentId: z.string().nullable(),
    /**
     * Ids of all messages that follow the same message, including this one, in the order in which they came.
     * Edits and other answers make siblings. Left out if it is the only one.
     */
    siblings: z.array(z.string()).optional(),
  }),
)

/**
 * Data that a model's provider needs back with its answer. It goes back to that provider unchanged and is not
 * interpreted.
 */
export type ProviderData = z.infer<typeof ProviderData>
export const ProviderData = z.object({
  /** The `provider` of the model that answered; no other provider gets the data. */
  provider: z.string(),
  /** The provider's own ids of the message's tool calls, in their order. */
  toolCallIds: z.array(z.string()),
  /** JSON text, since the database would reorder an object's keys. Null if there are only ids. */
  data: z.string().nullable(),
})

/**
 * The `messageId` of the event that emitted it. Default: that of an `assistant.message` of the attempt with
 * the same text, if there is one.
 */
const id = z.string().min(1).max(200).optional()

/**
 * A message as agents and models have it. `providerData` is stored with the message and never leaves the
 * server: callers neither read nor write it. An agent that answers with a message may say which `id` it has.
 */
export type AgentMessage = z.infer<typeof AgentMessage>
export const AgentMessage = z.discriminatedUnion('role', [
  SystemMessage.extend({ id }),
  UserMessage.extend({ id }),
  AssistantMessage.extend({ id, providerData: ProviderData.optional() }),
  ToolMessage.extend({ id }),
])
