import { z } from 'zod'
import { Budget } from './budget.ts'
import { Json, JsonObject } from './json.ts'
import { Message, MessageId } from './message.ts'
import { ConversationId, ExternalId, RunId } from './run.ts'
import type { Run } from './run.ts'
import { NewWebhooks } from './webhook.ts'

/**
 * What happens to a run created in a conversation that has one under way: it is refused (`reject`), waits for
 * its turn (`queue`), takes the place of those before it, which are cancelled (`interrupt`), or is not made, and its messages are said to
 * the one under way (`steer`; it waits for its turn where that can't take them).
 */
export type ConversationPolicy = z.infer<typeof ConversationPolicy>
export const ConversationPolicy = z.enum(['reject', 'queue', 'interrupt', 'steer'])

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

/** The run that came of creating one. */
export type CreateRunAnswer = Run & {
  /** Ids of the messages that it was sent in place of making a run (policy `steer`). Left out of a new run. */
  sentMessageIds?: string[]
}

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
