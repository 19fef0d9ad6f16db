import { z } from 'zod'
import { Json, JsonObject } from './json.ts'
import { Message, MessageId, StoredMessage } from './message.ts'
import { pageLimit } from './page.ts'
import { Owner } from './principal.ts'
import { Scope } from './scope.ts'
import { OPEN_STATUSES, TERMINAL_STATUSES } from './terminal.ts'
import { CallName, MAX_OCCURRENCE, PendingWait } from './wait.ts'
import { NewWebhooks } from './webhook.ts'

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

/** How much a run may use, over all its attempts. A field that is left out has no limit. */
export type Budget = z.infer<typeof Budget>
export const Budget = z.strictObject({
  /** Of its models, in and out, as their providers report them. Once they are used up, no model is asked again. */
  tokens: z.int().min(1).max(1_000_000_000).optional(),
  /** Of the tool loop: one beyond them is not run. */
  toolCalls: z.int().min(0).max(1_000_000).optional(),
  /**
   * Of its models, in US dollars, or what else the runtime's prices are in. Once it is used up, no model is asked again; nor
   * after an answer whose cost is not known.
   */
  cost: z.number().gt(0).max(1_000_000).optional(),
})

/** What the models of a run took, over all its attempts, as their providers report it. */
export type Usage = z.infer<typeof Usage>
export const Usage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  /** Of `inputTokens`, those that a provider said it had in its cache. */
  cachedInputTokens: z.number(),
  /** In US dollars, or what else the runtime's prices are in. Null where the cost of any answer is not known. */
  cost: z.number().nullable(),
})

/** What a caller would like of an agent, which may heed it or not: nothing of it is checked against anything. */
export type Preferences = z.infer<typeof Preferences>
export const Preferences = z.object({
  /** Name or id of a model. */
  model: z.string().min(1).max(200).optional(),
  /** Whether the model is to think before it answers. */
  thinking: z.boolean().optional(),
  /** What is known of whoever asks, from elsewhere. */
  memories: z
    .array(z.object({ id: z.string().max(200), content: z.string() }))
    .max(1_000)
    .optional(),
})

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

/** The run that came of creating one. */
export type CreateRunAnswer = Run & {
  /** Ids of the messages that it was sent in place of making a run (policy `steer`). Left out of a new run. */
  sentMessageIds?: string[]
}

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

/**
 * What happens to a run created in a conversation that has one under way: it is refused (`reject`), waits for
 * its turn (`queue`), takes the place of those before it, which are cancelled (`interrupt`), or is not made, and its messages are said to
 * the one under way (`steer`; it waits for its turn where that can't take them).
 */
export type ConversationPolicy = z.infer<typeof ConversationPolicy>
export const ConversationPolicy = z.enum(['reject', 'queue', 'interrupt', 'steer'])

/** What the database's integers and Node's timers can hold: almost 25 days. */
export const MAX_TIMEOUT_MS = 2_147_483_647

const FIRST_MOMENT = Date.UTC(1970)
const LAST_MOMENT = Date.UTC(3000) - 1

/** A time in the one form in which it is stored, which PostgreSQL and pg-boss hold too. */
const Moment = z.iso
  .datetime({
    offset: true,
    abort: true,
    error: 'a time is ISO 8601 with a time zone, e.g. 2030-01-31T08:00:00Z',
  })
  .refine(isMoment, { abort: true, error: 'a time is in the years 1970 to 2999' })
  .overwrite((time) => new Date(time).toISOString())

function isMoment(text: string): boolean {
  const time = Date.parse(text)
  return time >= FIRST_MOMENT && time <= LAST_MOMENT
}

/** Each is a row. */
const MAX_MESSAGES = 1_000

/** Begins the keys of runs that schedules create: no caller takes an occurrence's place. */
export const SCHEDULE_KEY_PREFIX = 'schedule/'

/** Begins those of runs that others hand on to. */
export const HANDOFF_KEY_PREFIX = 'handoff/'

/** Begins those of runs that get what others were sent and did not read. */
export const SENT_KEY_PREFIX = 'sent/'

const IdempotencyKey = z
  .string()
  .min(1)
  .max(200)
  .refine((key) => !key.startsWith(SCHEDULE_KEY_PREFIX), {
    error: `keys that begin with "${SCHEDULE_KEY_PREFIX}" are those of schedules`,
  })
  .refine((key) => !key.startsWith(HANDOFF_KEY_PREFIX), {
    error: `keys that begin with "${HANDOFF_KEY_PREFIX}" are those of handoffs`,
  })
  .refine((key) => !key.startsWith(SENT_KEY_PREFIX), {
    error: `keys that begin with "${SENT_KEY_PREFIX}" are those of messages that a run did not read`,
  })

/**
 * The conversation of a run, in place of an id: `new` makes one with the run. `externalId` finds the one with this key of the
 * caller's, or makes it.
 */
export type ConversationChoice = z.infer<typeof ConversationChoice>
export const ConversationChoice = z.union(
  [z.literal('new'), z.strictObject({ externalId: ExternalId })],
  'a conversation is "new" or has an external id: {"externalId":"…"}',
)

/** What creates a run, with its defaults left out. */
export type CreateRunRequest = z.input<typeof CreateRunInput>
/** What creates a run. `params` is checked against the agent's own schema. */
export type CreateRunInput = z.infer<typeof CreateRunInput>
export const CreateRunInput = z
  .object({
    agentKey: z.string().min(1),
    messages: z.array(Message).max(MAX_MESSAGES).default([]),
    params: Json.optional(),
    conversationId: ConversationId.optional(),
    /** In place of `conversationId`: one that is made with the run, or found by a key of the caller's, or made with that. */
    conversation: ConversationChoice.optional(),
    /** In no conversation, though the setting `newConversations` may make one for each run that names none. Default: false. */
    ephemeral: z.boolean().optional(),
    metadata: JsonObject.default({}),
    /**
     * Two creates of one owner with the same key yield the same run; with another agent, conversation, messages or params
     * the second is refused. At most 200 characters.
     */
    idempotencyKey: IdempotencyKey.optional(),
    /** Attempts before the run fails for good. Default: the agent's, else the configuration's. */
    maxAttempts: z.int().min(1).max(100).optional(),
    /** Milliseconds of execution before the run times out. Default: the agent's, else the configuration's. */
    timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).optional(),
    /** Where it leaves something out, or is left out: the agent's. */
    budget: Budget.optional(),
    /** From -100 to 100; runs with a higher one start first. Default: 0. */
    priority: z.int().min(-100).max(100).default(0),
    /** ISO 8601 with a time zone: not before then. Default: at once. */
    runAt: Moment.optional(),
    /** ISO 8601 with a time zone: not started by then, the run times out. Default: never. */
    expiresAt: Moment.optional(),
    /** When another run of the conversation is under way. Default: the agent's, else `queue`. */
    conversationPolicy: ConversationPolicy.optional(),
    /** Given to the agent as `ctx.preferences`. */
    preferences: Preferences.optional(),
    /**
     * Endpoints that are told when the run waits or is over. At most 5. Refused with `forbidden` unless the setting `webhookHosts`
     * names their hosts.
     */
    webhooks: NewWebhooks.optional(),
    /**
     * A message of the conversation in whose place the run's come: an edit. What was there stays, as a sibling, with all that
     * followed it; the conversation goes on from the run. Runs under way are cancelled, unless a policy is given or the
     * agent has one.
     */
    replaces: MessageId.optional(),
    /** A run of the conversation, whose input this one answers anew: it has no messages of its own. Otherwise as `replaces`. */
    regenerates: RunId.optional(),
    /** As `replaces`: the message at this place of the history, from 0; at its end, none. */
    supersedeFromMessageIndex: z.int().min(0).max(2_147_483_647).optional(),
  })
  .refine(
    ({ replaces, regenerates, supersedeFromMessageIndex: index }) =>
      [replaces, regenerates, index].filter((place) => place !== undefined).length <= 1,
    {
      path: ['replaces'],
      error: 'a run names one of replaces, regenerates and supersedeFromMessageIndex',
    },
  )
  .refine(
    ({ replaces, regenerates, supersedeFromMessageIndex: index, conversationId, conversation }) =>
      [replaces, regenerates, index].every((place) => place === undefined) ||
      conversationId !== undefined ||
      typeof conversation === 'object',
    { path: ['conversationId'], error: 'a run that takes the place of something names its conversation' },
  )
  .refine(({ regenerates, messages }) => regenerates === undefined || messages.length === 0, {
    path: ['messages'],
    error: 'a run that answers anew has the input of the other one, and no messages',
  })
  .refine(
    ({ conversationId, conversation, ephemeral }) =>
      [conversationId !== undefined, conversation !== undefined, ephemeral === true].filter(Boolean).length <=
      1,
    { path: ['conversation'], error: 'a run names one of conversationId, conversation and ephemeral' },
  )

export const RunRef = z.object({ runId: RunId })

/** Answers what a run waits for. */
export type RespondRequest = z.input<typeof RespondInput>
export type RespondInput = z.infer<typeof RespondInput>
export const RespondInput = RunRef.extend({
  /** Name of the wait. */
  wait: CallName,
  /** Which of the waits of that name, as `waits` tell it; 1 is the first. Default: the first of them that is pending. */
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
