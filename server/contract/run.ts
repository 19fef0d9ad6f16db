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

/** Whether the same run, created anew, may do better: not where what was asked for, or the agent itself, is wrong. */
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
  /** Who created it, or whose it has become. */
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
  /** Null where it has none. */
  budget: Budget.nullable(),
  /** Of runs that could start, those with a higher one start first. */
  priority: z.int(),
  /** Not before then: as asked for, or the next attempt's time, or the end of a wait. */
  runAt: z.iso.datetime().nullable(),
  /** Not started by then, the run times out. */
  expiresAt: z.iso.datetime().nullable(),
  /** Sequence number of the newest event, 0 when there is none. */
  lastSeq: z.int(),
  cancelRequestedAt: z.iso.datetime().nullable(),
  /** The run that started it; null of one that no run started. */
  parentRunId: RunId.nullable(),
  /** The one above all of its family; null of one that no run started. */
  rootRunId: RunId.nullable(),
  /** How many runs are above it. */
  depth: z.int(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
})

/** What tells a run from others, without what is in it. */
export type RunSummary = Pick<Run, 'id' | 'owner' | 'agentKey' | 'status' | 'conversationId'>

/** A run with the messages that went in and, once it ended, those it answered with. */
export type SpokenRun = z.infer<typeof SpokenRun>
export const SpokenRun = Run.extend({
  messages: z.array(Message),
  /** How many of the messages went in. Those after them it answered with. */
  inputCount: z.int(),
  /** Null unless it succeeded and asked a model. */
  usage: Usage.nullable(),
})

/** The same with what it waits for. */
export type RunDetail = z.infer<typeof RunDetail>
export const RunDetail = SpokenRun.extend({
  messages: z.array(StoredMessage),
  waits: z.array(PendingWait),
  /** Time of its newest event; of its creation where there is none. */
  updatedAt: z.iso.datetime(),
})

export const RunRef = z.object({ runId: RunId })

/** Answers what a run waits for. */
export type RespondRequest = z.input<typeof RespondInput>
export type RespondInput = z.infer<typeof RespondInput>
export const RespondInput = RunRef.extend({
  /** Name of the wait. */
  wait: CallName,
  /** Which of the waits of that name, as `waits` tell it; 1 is the first. Default: the only one that is pending; of several none is taken. */
  occurrence: z.int().min(1).max(MAX_OCCURRENCE).optional(),
  /** Checked against the wait's schema. */
  value: Json,
})

/** Which of the runs to list, with the defaults left out. */
export type ListRunsRequest = z.input<typeof ListRunsInput>
export type ListRunsInput = z.infer<typeof ListRunsInput>
export const ListRunsInput = z.object({
  agentKey: z.string().optional(),
  status: RunStatus.optional(),
  conversationId: ConversationId.optional(),
  /** Those that this run has started. */
  parentRunId: RunId.optional(),
  /** Whose: one's own, one's tenant's or anybody's, as far as `authorize` allows. Default: `own`. */
  scope: Scope.default('own'),
  limit: pageLimit(200, 50),
  cursor: z.string().optional(),
})
