import { z } from 'zod'
import { Json } from './json.ts'
import { AssistantContent, TextContent, ToolContent, UserContent } from './message-part.ts'

/** Whose words a message is. */
export type MessageRole = z.infer<typeof MessageRole>
export const MessageRole = z.enum(['system', 'user', 'assistant', 'tool'])

/** A model's request to run a tool. `arguments` is the parsed JSON the model produced. */
export type ToolCall = z.infer<typeof ToolCall>
export const ToolCall = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  arguments: Json,
})

/** Who said it, where several do in one role. */
const name = z.string().min(1).max(64).optional()

const SystemMessage = z.object({ role: z.literal('system'), content: TextContent, name })
/** What the user says. */
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

/** What a message that is kept has beside what it says. */
const kept = {
  /** That of its events (`messageId`), by which what was read live and what is stored are one. Of an input the runtime makes it. */
  id: z.string(),
  /** Which it went into, or which answered with it. */
  runId: z.uuid(),
  /** ISO 8601 in UTC. */
  createdAt: z.iso.datetime(),
  /** What the agent had said of it when its run failed, timed out or was cancelled. */
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
    /** The message it follows; null where it is the first. */
    parentId: z.string().nullable(),
    /**
     * Those that follow the same message, it among them, in the order in which they came: an edit or another answer is one.
     * Left out where it is the only one.
     */
    siblings: z.array(z.string()).optional(),
  }),
)

/** What a model's provider needs back with its answer. It is returned to that provider, unchanged, and not interpreted. */
export type ProviderData = z.infer<typeof ProviderData>
export const ProviderData = z.object({
  /** The `provider` of the model that answered: nobody else is sent it. */
  provider: z.string(),
  /** What the provider calls the message's tool calls, in their order. */
  toolCallIds: z.array(z.string()),
  /** JSON text, since the database would put an object's keys in another order. Null for nothing but the ids. */
  data: z.string().nullable(),
})

/** Of the event by which it was said. Default: that of an `assistant.message` of the attempt with the same text, if there is one. */
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
