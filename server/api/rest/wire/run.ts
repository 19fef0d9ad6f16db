import { z } from 'zod'
import { WrittenChatMessage, toChatMessage } from '../../../contract/chat-message.ts'
import type { AnyRunEvent } from '../../../contract/event.ts'
import { RespondInput, RunStatus, isWorthAnotherTry } from '../../../contract/run.ts'
import type { Budget } from '../../../contract/budget.ts'
import type { Run, RunDetail, RunError, SpokenRun } from '../../../contract/run.ts'
import { RestEventRecord, toRestEventRecord } from './event.ts'
import { answerSchema, requestSchema } from './named.ts'
import { FreeJson, FreeObject, RestOwner, Time, toRestOwner } from './names.ts'
import type { SnakeCase } from './names.ts'
import { RestWait, toRestWait } from './wait.ts'
import { RestUsage, toRestUsage } from './usage.ts'

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

/** REST answers each field of a run; `params` are in `input`. */
type EachFieldOfRun = Record<SnakeCase<Exclude<keyof Run, 'params'>> | 'input', unknown>

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
  } satisfies EachFieldOfRun
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
