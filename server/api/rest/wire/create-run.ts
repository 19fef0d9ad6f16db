import { z } from 'zod'
import { ChatMessage, fromChatMessages } from '../../../contract/chat-message.ts'
import type { Message } from '../../../contract/message.ts'
import { CreateRunInput, Preferences } from '../../../contract/create-run.ts'
import { ExternalId } from '../../../contract/run.ts'
import type { CreateRunRequest } from '../../../contract/create-run.ts'
import { requestSchema } from './named.ts'
import { FreeJson, FreeObject } from './names.ts'
import { RestNewWebhooks } from './webhook.ts'

const { shape } = CreateRunInput
const preferences = Preferences.shape
const EXPECTED_CHOICE = 'a conversation is "new" or has an external id: {"external_id":"…"}'

/** The body that creates a run. A field that is null counts as left out, and unknown fields are ignored. */
export const RestCreateRun = requestSchema(
  'CreateRun',
  z.object({
    agent_key: shape.agentKey,
    messages: z.array(ChatMessage),
    params: FreeJson.optional(),
    conversation_id: shape.conversationId.nullish(),
    conversation: z
      .union([z.literal('new'), z.object({ external_id: ExternalId })], EXPECTED_CHOICE)
      .nullish()
      .describe(
        'Instead of `conversation_id`: a new conversation, or the one with this key of the caller, which is created if there is none.',
      ),
    ephemeral: shape.ephemeral
      .nullish()
      .describe('The run has no conversation, even if the setting gives each run one.'),
    metadata: FreeObject.optional(),
    idempotency_key: shape.idempotencyKey.nullish(),
    max_attempts: shape.maxAttempts.nullish(),
    timeout_ms: shape.timeoutMs.nullish(),
    budget: z
      .object({
        tokens: z.int().min(1).nullish(),
        tool_calls: z.int().min(0).nullish(),
        cost: z.number().gt(0).nullish().describe('In US dollars, or in the currency of the prices.'),
      })
      .nullish()
      .describe('How much the run may use, over all its attempts.'),
    priority: shape.priority.nullish(),
    run_at: shape.runAt.nullish(),
    expires_at: shape.expiresAt.nullish(),
    conversation_policy: shape.conversationPolicy.nullish(),
    replaces: shape.replaces.nullish().describe('The message that the run replaces: an edit.'),
    regenerates: shape.regenerates.nullish().describe('The run whose input this run answers again.'),
    supersede_from_message_index: shape.supersedeFromMessageIndex
      .nullish()
      .describe('Like `replaces`, by the place of the message in the history, from 0.'),
    model: preferences.model.nullish().describe('For the agent, which may follow it.'),
    thinking: preferences.thinking.nullish().describe('For the agent, which may follow it.'),
    memories: preferences.memories.nullish().describe('For the agent, which may follow them.'),
    webhooks: RestNewWebhooks.nullish(),
  }),
)

export function fromRestCreateRun(
  body: z.output<typeof RestCreateRun>,
): CreateRunRequest & { messages: Message[] } {
  const { model, thinking, memories } = body
  const input: Record<keyof z.input<typeof CreateRunInput>, unknown> = {
    agentKey: body.agent_key,
    messages: fromChatMessages(body.messages),
    params: body.params,
    conversationId: body.conversation_id ?? undefined,
    conversation: fromRestChoice(body.conversation),
    ephemeral: body.ephemeral ?? undefined,
    metadata: body.metadata ?? undefined,
    idempotencyKey: body.idempotency_key ?? undefined,
    maxAttempts: body.max_attempts ?? undefined,
    timeoutMs: body.timeout_ms ?? undefined,
    budget: fromRestBudget(body.budget),
    priority: body.priority ?? undefined,
    runAt: body.run_at ?? undefined,
    expiresAt: body.expires_at ?? undefined,
    conversationPolicy: body.conversation_policy ?? undefined,
    replaces: body.replaces ?? undefined,
    regenerates: body.regenerates ?? undefined,
    supersedeFromMessageIndex: body.supersede_from_message_index ?? undefined,
    webhooks: body.webhooks ?? undefined,
    preferences: {
      model: model ?? undefined,
      thinking: thinking ?? undefined,
      memories: memories ?? undefined,
    },
  }
  return input as CreateRunRequest & { messages: Message[] }
}

function fromRestChoice(choice: z.output<typeof RestCreateRun>['conversation']) {
  if (choice === undefined || choice === null || choice === 'new') return choice ?? undefined
  return { externalId: choice.external_id }
}

/** Answers have null for "no limit", so requests may have it too. */
function fromRestBudget(budget: z.output<typeof RestCreateRun>['budget']) {
  if (budget === undefined || budget === null) return undefined
  const { tokens, tool_calls: toolCalls, cost } = budget
  return { tokens: tokens ?? undefined, toolCalls: toolCalls ?? undefined, cost: cost ?? undefined }
}
