import { z } from 'zod'
import { Budget, Usage } from './budget.ts'
import { Json, JsonObject } from './json.ts'
import { Message, StoredMessage } from './message.ts'
import { pageLimit } from './page.ts'
import { Owner } from './principal.ts'
import { Scope } from './scope.ts'
import { OPEN_STATUSES, TERMINAL_STATUSES } from './terminal.ts'
import { CallName, MAX_OCCURRENCE, PendingWait } from './wait.ts'

/**
 * `queued → running → succeeded | failed | cancelled | timed_out`, with `running → waiting → queued`
 * for a durable wait and `running → queued` for a retry.
 */
export type RunStatus = z.infer<typeof RunStatus>
export const RunStatus = z.enum([...OPEN_STATUSES, ...TERMINAL_STATUSES])

/** Why a run ended without success. `message` is safe to show to the user. */
export type RunError = z.infer<typeof RunError>
export const RunError = z.object({
  message: z.string(),
  code: z.string(),
  details: Json.optional(),
})

/** Whether the same run, created again, may succeed. False if the request or the agent itself is wrong. */
export function isWorthAnotherTry(code: string): boolean {
  return !IN_VAIN.has(code)
}

const IN_VAIN: ReadonlySet<string> = new Set([
  'bad_request',
  'budget_exceeded',
  'conflict',
  'forbidden',
  'invalid_output',
  'not_found',
  'payload_too_large',
  'start_refused',
  'unauthorized',
  'unknown_agent',
  'validation_failed',
])

export const RunId = z.uuid('a run id is a UUID')
export const ConversationId = z.uuid('a conversation id is a UUID')

/** A caller's key of a conversation, such as the id of a chat or of a ticket: unique among the owner's. At most 200 characters. */
export const ExternalId = z.string().min(1).max(200)

/** A run as its readers see it. Times are ISO 8601 in UTC. */
export type Run = z.infer<typeof Run>
export const Run = z.object({
  id: RunId,
  /** Who created it, or who owns it since a claim. */
  owner: Owner,
  agentKey: z.string(),
  status: RunStatus,
  conversationId: ConversationId.nullable(),
  params: Json.nullable(),
  metadata: JsonObject,
  output: Json.nullable(),
  error: RunError.nullable(),
  idempotencyKey: z.string().nullable(),
  /** 0 until a worker claims the run; then the number of the current or last attempt. */
  attempt: z.int(),
  maxAttempts: z.int(),
  /** Null if it has none. */
  budget: Budget.nullable(),
  /** Of the runs that could start, those with a higher priority start first. */
  priority: z.int(),
  /** It does not start before then: the requested time, the next attempt's time, or the end of a wait. */
  runAt: z.iso.datetime().nullable(),
  /** If the run has not started by then, it times out. */
  expiresAt: z.iso.datetime().nullable(),
  /** Sequence number of the newest event, 0 when there is none. */
  lastSeq: z.int(),
  cancelRequestedAt: z.iso.datetime().nullable(),
  /** The run that started it; null if no run did. */
  parentRunId: RunId.nullable(),
  /** The topmost run of its family; null if no run started this one. */
  rootRunId: RunId.nullable(),
  /** How many runs are above it. */
  depth: z.int(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
})

/** A run without its contents. */
export type RunSummary = Pick<Run, 'id' | 'owner' | 'agentKey' | 'status' | 'conversationId'>

/** A run with its input messages and, once it ended, the messages of its answer. */
export type SpokenRun = z.infer<typeof SpokenRun>
export const SpokenRun = Run.extend({
  messages: z.array(Message),
  /** The number of input messages. The messages after them are the answer. */
  inputCount: z.int(),
  /** Null unless the run succeeded and asked a model. */
  usage: Usage.nullable(),
})

/** The same, with its open waits. */
export type RunDetail = z.infer<typeof RunDetail>
export const RunDetail = SpokenRun.extend({
  messages: z.array(StoredMessage),
  waits: z.array(PendingWait),
  /** Time of its newest event; of its creation where there is none. */
  updatedAt: z.iso.datetime(),
})

export const RunRef = z.object({ runId: RunId })

/** The input that answers a wait. */
export type RespondRequest = z.input<typeof RespondInput>
export type RespondInput = z.infer<typeof RespondInput>
export const RespondInput = RunRef.extend({
  /** Name of the wait. */
  wait: CallName,
  /**
   * Which of the waits of that name, as in `waits`; 1 is the first. Default: the only pending one. If several
   * are pending, it is required.
   */
  occurrence: z.int().min(1).max(MAX_OCCURRENCE).optional(),
  /** Checked against the wait's schema. */
  value: Json,
})

/** The runs to list, without the defaults. */
export type ListRunsRequest = z.input<typeof ListRunsInput>
export type ListRunsInput = z.infer<typeof ListRunsInput>
export const ListRunsInput = z.object({
  agentKey: z.string().optional(),
  status: RunStatus.optional(),
  conversationId: ConversationId.optional(),
  /** Runs that this run has started. */
  parentRunId: RunId.optional(),
  /** Whose: one's own, one's tenant's or anybody's, as far as `authorize` allows. Default: `own`. */
  scope: Scope.default('own'),
  limit: pageLimit(200, 50),
  cursor: z.string().optional(),
})
