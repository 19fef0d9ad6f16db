import { z } from 'zod'
import { Json, JsonObject } from './json.ts'
import { Message } from './message.ts'

/**
 * `queued → running → succeeded | failed | cancelled | timed_out`, with `running → waiting → queued`
 * for a durable wait and `running → queued` for a retry.
 */
export type RunStatus = z.infer<typeof RunStatus>
export const RunStatus = z.enum([
  'queued',
  'running',
  'waiting',
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
])

/** Why a run ended without success. `message` is safe to show to the user. */
export type RunError = z.infer<typeof RunError>
export const RunError = z.object({
  message: z.string(),
  code: z.string(),
  details: Json.optional(),
})

export const RunId = z.uuid('a run id is a UUID')
export const ConversationId = z.uuid('a conversation id is a UUID')

/** A run as its owner sees it. Times are ISO 8601 in UTC. */
export type Run = z.infer<typeof Run>
export const Run = z.object({
  id: RunId,
  agentKey: z.string(),
  status: RunStatus,
  conversationId: ConversationId.nullable(),
  params: Json.nullable(),
  metadata: JsonObject,
  output: Json.nullable(),
  error: RunError.nullable(),
  /** 0 until a worker claims the run; then the number of the current or last attempt. */
  attempt: z.int(),
  maxAttempts: z.int(),
  /** Sequence number of the newest event, 0 when there is none. */
  lastSeq: z.int(),
  cancelRequestedAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
})

/** A run with the messages that went in and, once it ended, those it answered with. */
export type RunDetail = z.infer<typeof RunDetail>
export const RunDetail = Run.extend({ messages: z.array(Message) })

/** What the database's integers and Node's timers can hold: almost 25 days. */
export const MAX_TIMEOUT_MS = 2_147_483_647

/** What creates a run. `params` is checked against the agent's own schema. */
export type CreateRunInput = z.infer<typeof CreateRunInput>
export const CreateRunInput = z.object({
  agentKey: z.string().min(1),
  messages: z.array(Message).default([]),
  params: Json.optional(),
  conversationId: ConversationId.optional(),
  metadata: JsonObject.default({}),
  /**
   * Two creates of one owner with the same key yield the same run. At most 200 characters.
   */
  idempotencyKey: z.string().min(1).max(200).optional(),
  /** Attempts before the run fails for good. Default: the agent's, else the configuration's. */
  maxAttempts: z.int().min(1).max(100).optional(),
  /** Milliseconds of execution before the run times out. Default: the agent's, else the configuration's. */
  timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).optional(),
})

export const RunRef = z.object({ runId: RunId })

export type ListRunsInput = z.infer<typeof ListRunsInput>
export const ListRunsInput = z.object({
  agentKey: z.string().optional(),
  status: RunStatus.optional(),
  conversationId: ConversationId.optional(),
  limit: z.int().min(1).max(200).default(50),
  cursor: z.string().optional(),
})
