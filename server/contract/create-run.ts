import { z } from 'zod'
import { Budget } from './budget.ts'
import { Json, JsonObject } from './json.ts'
import { Message, MessageId } from './message.ts'
import { ConversationId, ExternalId, RunId } from './run.ts'
import type { Run } from './run.ts'
import { NewWebhooks } from './webhook.ts'

/**
 * What happens to a new run in a conversation that has a run under way: `reject` refuses it, `queue` lets it
 * wait for its turn, `interrupt` cancels the runs before it. `steer` creates no run and sends the messages to
 * the run under way; if that run cannot take them, a run is created and waits for its turn.
 */
export type ConversationPolicy = z.infer<typeof ConversationPolicy>
export const ConversationPolicy = z.enum(['reject', 'queue', 'interrupt', 'steer'])

/** Wishes of a caller. The runtime does not check their values; the agent decides what to do with them. */
export type Preferences = z.infer<typeof Preferences>
export const Preferences = z.object({
  /** Name or id of a model. */
  model: z.string().min(1).max(200).optional(),
  /** Whether the model is to think before it answers. */
  thinking: z.boolean().optional(),
  /** Facts about the caller that come from elsewhere. */
  memories: z
    .array(z.object({ id: z.string().max(200), content: z.string() }))
    .max(1_000)
    .optional(),
})

/** The most that the database's integers and Node's timers can hold: almost 25 days. */
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

/**
 * The prefix of keys of runs that schedules create. Callers cannot use it, so they cannot take an
 * occurrence's place.
 */
export const SCHEDULE_KEY_PREFIX = 'schedule/'

/** The prefix of keys of runs that a conversation is handed on to. */
export const HANDOFF_KEY_PREFIX = 'handoff/'

/** The prefix of keys of runs that get messages which another run was sent and did not read. */
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
 * The conversation of a run, instead of an id. `new` creates one with the run. `externalId` finds the one
 * with this key of the caller, or creates it.
 */
export type ConversationChoice = z.infer<typeof ConversationChoice>
export const ConversationChoice = z.union(
  [z.literal('new'), z.strictObject({ externalId: ExternalId })],
  'a conversation is "new" or has an external id: {"externalId":"…"}',
)

/** The result of creating a run. */
export type CreateRunAnswer = Run & {
  /**
   * Ids of the messages that the run was sent, if no run was created (policy `steer`). Left out for a new
   * run.
   */
  sentMessageIds?: string[]
}

/** The input that creates a run, without its defaults. */
export type CreateRunRequest = z.input<typeof CreateRunInput>
/** The input that creates a run. `params` is checked against the agent's own schema. */
export type CreateRunInput = z.infer<typeof CreateRunInput>
export const CreateRunInput = z
  .object({
    agentKey: z.string().min(1),
    messages: z.array(Message).max(MAX_MESSAGES).default([]),
    params: Json.optional(),
    conversationId: ConversationId.optional(),
    /**
     * Instead of `conversationId`: a conversation that is created with the run, or that is found or created
     * by a key of the caller.
     */
    conversation: ConversationChoice.optional(),
    /**
     * The run has no conversation, even if the setting `newConversations` gives each run one. Default: false.
     */
    ephemeral: z.boolean().optional(),
    metadata: JsonObject.default({}),
    /**
     * Two creates of one owner with the same key yield the same run. If agent, conversation, messages or
     * params differ, the second one is refused. At most 200 characters.
     */
    idempotencyKey: IdempotencyKey.optional(),
    /** Attempts before the run fails for good. Default: the agent's, else the configuration's. */
    maxAttempts: z.int().min(1).max(100).optional(),
    /**
     * Milliseconds that an attempt may take before the run times out. Default: the agent's, else the
     * configuration's.
     */
    timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).optional(),
    /** Fields that are left out have the agent's values. */
    budget: Budget.optional(),
    /** From -100 to 100; runs with a higher one start first. Default: 0. */
    priority: z.int().min(-100).max(100).default(0),
    /** ISO 8601 with a time zone: the run does not start before then. Default: at once. */
    runAt: Moment.optional(),
    /** ISO 8601 with a time zone: if the run has not started by then, it times out. Default: never. */
    expiresAt: Moment.optional(),
    /** What happens when another run of the conversation is under way. Default: the agent's, else `queue`. */
    conversationPolicy: ConversationPolicy.optional(),
    /** Given to the agent as `ctx.preferences`. */
    preferences: Preferences.optional(),
    /**
     * Endpoints that are told when the run waits or is over. At most 5. Refused with `forbidden` unless the setting `webhookHosts`
     * names their hosts.
     */
    webhooks: NewWebhooks.optional(),
    /**
     * The id of a message that the run's messages replace: an edit. The old message stays as a sibling, with
     * all that followed it; the conversation continues from the new run. Runs under way are cancelled, unless
     * the request or the agent has a policy.
     */
    replaces: MessageId.optional(),
    /**
     * The id of a run whose input this run answers again; this run has no messages of its own. Otherwise like
     * `replaces`.
     */
    regenerates: RunId.optional(),
    /**
     * Like `replaces`, by the message's place in the history, from 0. At the end of the history it replaces
     * nothing.
     */
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
    { path: ['conversationId'], error: 'a run that replaces something must name its conversation' },
  )
  .refine(({ regenerates, messages }) => regenerates === undefined || messages.length === 0, {
    path: ['messages'],
    error: 'a run with regenerates takes the input of that run, and has no messages of its own',
  })
  .refine(
    ({ conversationId, conversation, ephemeral }) =>
      [conversationId !== undefined, conversation !== undefined, ephemeral === true].filter(Boolean).length <=
      1,
    { path: ['conversation'], error: 'a run names one of conversationId, conversation and ephemeral' },
  )
