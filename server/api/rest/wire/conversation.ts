import { z } from 'zod'
import {
  CreateConversationInput,
  ForkConversationInput,
  SelectMessageInput,
  UpdateConversationInput,
} from '../../../contract/conversation.ts'
import type {
  BrokenOffCalls,
  Conversation,
  ConversationDetail,
  CreateConversationRequest,
  UpdateConversationRequest,
} from '../../../contract/conversation.ts'
import { RestHistoryMessage, toRestHistoryMessage } from './message.ts'
import { answerSchema, requestSchema } from './named.ts'
import { FreeObject, RestOwner, Time, toRestOwner } from './names.ts'
import { RestNewWebhooks } from './webhook.ts'

export const RestCreateConversation = requestSchema(
  'CreateConversation',
  z.object({
    agent_key: CreateConversationInput.shape.agentKey.nullish(),
    external_id: CreateConversationInput.shape.externalId.nullish(),
    title: CreateConversationInput.shape.title.nullish(),
    metadata: FreeObject.optional(),
    webhooks: RestNewWebhooks.nullish(),
  }),
)

export function fromRestCreateConversation(
  body: z.output<typeof RestCreateConversation>,
): CreateConversationRequest {
  const input: Record<keyof CreateConversationRequest, unknown> = {
    agentKey: body.agent_key ?? undefined,
    externalId: body.external_id ?? undefined,
    title: body.title ?? undefined,
    metadata: body.metadata ?? undefined,
    webhooks: body.webhooks ?? undefined,
  }
  return input as CreateConversationRequest
}

export const RestSelectMessage = requestSchema(
  'SelectMessage',
  z.object({ message_id: SelectMessageInput.shape.messageId }),
)

export const RestForkConversation = requestSchema(
  'ForkConversation',
  z.object({
    message_id: ForkConversationInput.shape.messageId,
    title: ForkConversationInput.shape.title,
    metadata: FreeObject.optional(),
  }),
)

export const RestUpdateConversation = requestSchema(
  'UpdateConversation',
  z.object({
    agent_key: UpdateConversationInput.shape.agentKey,
    external_id: UpdateConversationInput.shape.externalId,
    title: UpdateConversationInput.shape.title,
    metadata: FreeObject.optional(),
    archived: UpdateConversationInput.shape.archived,
    webhooks: RestNewWebhooks.optional().describe(
      'Replaces all webhooks. One with the same URL keeps its id.',
    ),
  }),
)

export function fromRestUpdateConversation(
  conversationId: string,
  { agent_key: agentKey, external_id: externalId, ...rest }: z.infer<typeof RestUpdateConversation>,
): UpdateConversationRequest {
  const given = Object.entries({ agentKey, externalId, ...rest }).filter(([, value]) => value !== undefined)
  return { conversationId, ...Object.fromEntries(given) }
}

export type RestConversation = z.infer<typeof RestConversation>
export const RestConversation = answerSchema(
  'Conversation',
  z.object({
    id: z.uuid(),
    agent_key: z.string().nullable(),
    external_id: z.string().nullable().describe("The caller's own key of it."),
    title: z.string().nullable(),
    metadata: FreeObject,
    created_at: Time,
    updated_at: Time,
    owner: RestOwner,
    archived_at: Time.nullable(),
  }),
)

export function toRestConversation(conversation: Conversation): RestConversation {
  return {
    id: conversation.id,
    agent_key: conversation.agentKey,
    external_id: conversation.externalId,
    title: conversation.title,
    metadata: conversation.metadata,
    created_at: conversation.createdAt,
    updated_at: conversation.updatedAt,
    owner: toRestOwner(conversation.owner),
    archived_at: conversation.archivedAt,
  }
}

const RestBrokenOffCalls = z.object({
  message_id: z.string(),
  run_id: z.uuid(),
  created_at: Time,
  after_id: z.string().describe('The message in `messages` after which it came, or itself if it is one.'),
  calls: z.array(
    z.object({
      tool_call_id: z.string(),
      tool: z.string(),
      arguments: z.unknown(),
      result: z.unknown().optional().describe('Left out if there was none.'),
      is_error: z.boolean().optional(),
    }),
  ),
})

function toRestBrokenOffCalls(broken: BrokenOffCalls): z.infer<typeof RestBrokenOffCalls> {
  return {
    message_id: broken.messageId,
    run_id: broken.runId,
    created_at: broken.createdAt,
    after_id: broken.afterId,
    calls: broken.calls.map(({ toolCallId, isError, ...call }) => ({
      tool_call_id: toolCallId,
      ...call,
      ...(isError === undefined ? {} : { is_error: isError }),
    })),
  }
}

export type RestConversationDetail = z.infer<typeof RestConversationDetail>
export const RestConversationDetail = answerSchema(
  'ConversationDetail',
  RestConversation.extend({
    messages: z.array(RestHistoryMessage).describe('Oldest first.'),
    total_messages: z.int(),
    has_more: z.boolean().describe('Whether there are older ones.'),
    broken_off: z
      .array(RestBrokenOffCalls)
      .optional()
      .describe(
        'With `include_debug`: calls of tools in runs that failed, were cancelled or timed out. They are no part of the history.',
      ),
    cursor: z
      .string()
      .describe('Pass it as `?after=` to the events, to follow everything after this answer.'),
  }),
)

export function toRestConversationDetail(conversation: ConversationDetail): RestConversationDetail {
  return {
    ...toRestConversation(conversation),
    messages: conversation.messages.map(toRestHistoryMessage),
    total_messages: conversation.totalMessages,
    has_more: conversation.hasMore,
    ...(conversation.brokenOff && { broken_off: conversation.brokenOff.map(toRestBrokenOffCalls) }),
    cursor: conversation.cursor,
  }
}
