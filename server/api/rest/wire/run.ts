import { z } from 'zod'
import {
  ChatMessage,
  WrittenChatMessage,
  fromChatMessages,
  toChatMessage,
} from '../../../contract/chat-message.ts'
import type { AnyRunEvent } from '../../../contract/event.ts'
import type { Message } from '../../../contract/message.ts'
import { CreateRunInput, Preferences } from '../../../contract/create-run.ts'
import { ExternalId, RespondInput, RunStatus, isWorthAnotherTry } from '../../../contract/run.ts'
import type { Budget } from '../../../contract/budget.ts'
import type { CreateRunRequest } from '../../../contract/create-run.ts'
import type { RunDetail, RunError, SpokenRun } from '../../../contract/run.ts'
import { RestEventRecord, toRestEventRecord } from './event.ts'
import { answerSchema, requestSchema } from './named.ts'
import { FreeJson, FreeObject, RestOwner, Time, toRestOwner } from './names.ts'
import { RestWait, toRestWait } from './wait.ts'
import { RestNewWebhooks } from './webhook.ts'
import { RestUsage, toRestUsage } from './usage.ts'

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

export const RestRespond = requestSchema(
  'Respond',
  RespondInput.omit({ runId: true }).extend({ value: FreeJson }),
)

const EMPTY = z.object({}).meta({ maxProperties: 0 })

const RestOutput = answerSchema(
  'RunOutput',
  z.object({
    final_output: FreeJson,
    final_messages: z.array(WrittenChatMessage),
    usage: RestUsage,
    artifacts: z.record(z.string(), z.unknown()),
  }),
)

/** `type` is a code such as `agent_error`; `message` may be shown to the user. */
const RestRunError = answerSchema(
  'RunError',
  z.object({ type: z.string(), message: z.string(), retriable: z.boolean(), details: FreeJson }),
)

export type RestRun = z.infer<typeof RestRun>
export const RestRun = answerSchema(
  'Run',
  z.object({
    id: z.uuid(),
    conversation_id: z.uuid().nullable(),
    agent_key: z.string(),
    status: RunStatus,
    input: z.object({ messages: z.array(WrittenChatMessage), params: FreeJson }),
    output: z.union([RestOutput, EMPTY]).describe('Empty unless the run succeeded.'),
    error: z.union([RestRunError, EMPTY]).describe('Empty unless the run failed or timed out.'),
    attempt: z.int().describe('The current or last attempt, from 1.'),
    max_attempts: z.int(),
    idempotency_key: z.string().nullable(),
    created_at: Time,
    started_at: Time.nullable(),
    finished_at: Time.nullable(),
    metadata: FreeObject,
    owner: RestOwner,
    budget: z
      .object({ tokens: z.int().nullable(), tool_calls: z.int().nullable(), cost: z.number().nullable() })
      .nullable(),
    priority: z.int(),
    run_at: Time.nullable(),
    expires_at: Time.nullable(),
    last_seq: z.int().describe('`seq` of the newest event; 0 if there is none.'),
    cancel_requested_at: Time.nullable(),
    parent_run_id: z.uuid().nullable().describe('The run that started it.'),
    root_run_id: z.uuid().nullable().describe('The topmost run of its family.'),
    depth: z.int().describe('How many runs are above it.'),
  }),
)

export const RestSteeredRun = answerSchema(
  'SteeredRun',
  RestRun.extend({
    sent_message_ids: z
      .array(z.string())
      .optional()
      .describe(
        'If the messages were sent to a run under way: their ids, which are those of its events `user.message`.',
      ),
  }),
)

export function toRestRun(run: SpokenRun): RestRun {
  const messages = run.messages.map(toChatMessage)
  return {
    id: run.id,
    conversation_id: run.conversationId,
    agent_key: run.agentKey,
    status: run.status,
    input: { messages: messages.slice(0, run.inputCount), params: run.params ?? {} },
    output:
      run.status === 'succeeded'
        ? {
            final_output: run.output,
            final_messages: messages.slice(run.inputCount),
            usage: toRestUsage(run.usage),
            artifacts: {},
          }
        : {},
    error: run.error === null ? {} : toRestRunError(run.error),
    // 1 both before and during the first attempt: clients of REST tell the two apart by the status.
    attempt: Math.max(1, run.attempt),
    max_attempts: run.maxAttempts,
    idempotency_key: run.idempotencyKey,
    created_at: run.createdAt,
    started_at: run.startedAt,
    finished_at: run.finishedAt,
    metadata: run.metadata,
    owner: toRestOwner(run.owner),
    budget: run.budget && toRestBudget(run.budget),
    priority: run.priority,
    run_at: run.runAt,
    expires_at: run.expiresAt,
    last_seq: run.lastSeq,
    cancel_requested_at: run.cancelRequestedAt,
    parent_run_id: run.parentRunId,
    root_run_id: run.rootRunId,
    depth: run.depth,
  }
}

const toRestBudget = ({ tokens, toolCalls, cost }: Budget) => ({
  tokens: tokens ?? null,
  tool_calls: toolCalls ?? null,
  cost: cost ?? null,
})

function toRestRunError({ code, message, details }: RunError): z.infer<typeof RestRunError> {
  return { type: code, message, retriable: isWorthAnotherTry(code), details: details ?? {} }
}

export type RestRunDetail = z.infer<typeof RestRunDetail>
export const RestRunDetail = answerSchema(
  'RunDetail',
  RestRun.extend({
    updated_at: Time.describe('The time of its newest event, or of its creation if there is none.'),
    waits: z.array(RestWait),
    events: z.array(RestEventRecord).describe('As many events as fit, of those that the reader may see.'),
    has_more_events: z.boolean(),
  }),
)

export function toRestRunDetail(
  run: RunDetail,
  { events, hasMore }: { events: readonly AnyRunEvent[]; hasMore: boolean },
): RestRunDetail {
  return {
    ...toRestRun(run),
    updated_at: run.updatedAt,
    waits: run.waits.map(toRestWait),
    events: events.map(toRestEventRecord),
    has_more_events: hasMore,
  }
}

export const RestCancelled = answerSchema(
  'CancelledRun',
  z.object({ status: z.literal('cancellation_requested'), run: RestRun }),
)
