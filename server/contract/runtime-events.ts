import { z } from 'zod'
import { Json } from './json.ts'
import { UserContent } from './message-part.ts'
import { Usage } from './budget.ts'
import { RunError } from './run.ts'
import { TERMINAL_STATUSES } from './terminal.ts'
import { PendingWait } from './wait.ts'
import type { Schema } from './schema.ts'
import { Visibility } from './visibility.ts'

interface EventDeclaration {
  readonly schema: Schema
  readonly visibility: Visibility
  /**
   * Whether every reader gets it, with an empty payload if they may not see that. A page that waits for its
   * run to start or to succeed must hear of it.
   */
  readonly isAnnounced?: true
  /** Fields of the payload that only readers of debug events get. */
  readonly debugFields?: readonly string[]
}

const Delta = z.object({
  messageId: z.string(),
  /** The text that follows the message's earlier deltas. */
  content: z.string(),
  /**
   * The place in the message's text where `content` belongs, if it is not the end. A reader drops the text
   * that it has from there on. Only compaction sets it, to 0, when it joins deltas after the run ended.
   */
  offset: z.int().min(0).optional(),
})

/**
 * The event types the runtime itself emits: payload and default visibility. An agent adds its own in
 * `defineAgent({ events })`.
 */
export const RUNTIME_EVENTS = {
  'run.started': {
    visibility: 'internal',
    isAnnounced: true,
    schema: z.object({
      agentKey: z.string().optional(),
      /** The version of the agent that began the run, if the agent has one. */
      version: z.string().optional(),
    }),
  },
  'run.retrying': {
    visibility: 'user',
    isAnnounced: true,
    debugFields: ['error'],
    schema: z
      .object({
        error: RunError,
        delayMs: z.number(),
        nextAttempt: z.int(),
        /**
         * Messages of the attempt that are void; a reader drops them. Without this list, all messages of the
         * attempt are void.
         */
        messageIds: z.array(z.string()),
      })
      .partial(),
  },
  'run.heartbeat': { visibility: 'internal', schema: z.object({}) },
  'run.waiting': { visibility: 'user', schema: PendingWait },
  'run.resumed': {
    visibility: 'internal',
    isAnnounced: true,
    schema: z.object({ wait: z.string().optional() }),
  },
  'run.succeeded': {
    visibility: 'internal',
    isAnnounced: true,
    schema: z.object({ output: Json.optional(), usage: Usage.optional() }),
  },
  'run.failed': {
    visibility: 'user',
    schema: z.object({ error: z.string(), code: z.string(), details: Json.optional() }),
  },
  'run.cancelled': { visibility: 'user', schema: z.object({ reason: z.string().optional() }) },
  'run.timed_out': {
    visibility: 'user',
    schema: z.object({ error: z.string(), timeoutMs: z.number().optional() }),
  },
  'child.started': {
    visibility: 'user',
    schema: z.object({ childRunId: z.uuid(), agentKey: z.string(), detached: z.boolean() }),
  },
  /**
   * All waits of a run below that somebody has to answer; empty once that run goes on. `parentRunId` is the
   * run directly above it.
   */
  'child.waiting': {
    visibility: 'user',
    schema: z.object({
      childRunId: z.uuid(),
      agentKey: z.string(),
      parentRunId: z.uuid().nullable(),
      waits: z.array(PendingWait),
    }),
  },
  'child.ended': {
    visibility: 'user',
    debugFields: ['usage'],
    schema: z.object({
      childRunId: z.uuid(),
      agentKey: z.string(),
      status: z.enum(TERMINAL_STATUSES),
      error: RunError.nullable(),
      /** Includes all runs below it. Null or left out if nothing was used or reported. */
      usage: Usage.extend({ toolCalls: z.int() }).nullable().optional(),
    }),
  },
  'assistant.delta': { visibility: 'user', schema: Delta },
  'assistant.message': {
    visibility: 'user',
    schema: z.object({ messageId: z.string(), content: z.string() }),
  },
  /** A message that the run was sent while it was under way. Emitted when its agent takes it. */
  'user.message': {
    visibility: 'user',
    schema: z.object({ messageId: z.string(), content: UserContent }),
  },
  'reasoning.delta': { visibility: 'debug', schema: Delta },
  'tool.input': {
    visibility: 'debug',
    schema: z.object({
      toolCallId: z.string(),
      tool: z.string(),
      /**
       * The text that follows the earlier pieces of the call's arguments. It is JSON, and complete when
       * `tool.call` comes.
       */
      content: z.string(),
      /** The message that calls the tool. If that message is void, so is this. */
      messageId: z.string(),
    }),
  },
  'tool.call': {
    visibility: 'debug',
    schema: z.object({
      toolCallId: z.string(),
      tool: z.string(),
      arguments: Json,
      /** The answer that calls the tool. Left out where that is not known. */
      messageId: z.string().optional(),
    }),
  },
  'tool.progress': {
    visibility: 'debug',
    schema: z.object({ toolCallId: z.string(), tool: z.string(), progress: Json }),
  },
  'tool.result': {
    visibility: 'debug',
    schema: z.object({
      toolCallId: z.string(),
      tool: z.string(),
      result: Json,
      isError: z.boolean().optional(),
    }),
  },
  usage: {
    visibility: 'debug',
    schema: z.object({
      model: z.string(),
      inputTokens: z.int(),
      outputTokens: z.int(),
      /** The parts of `inputTokens` that were read from the provider's cache, and written to it. */
      cachedInputTokens: z.int().optional(),
      cacheWriteInputTokens: z.int().optional(),
      /** The part of `outputTokens` that was reasoning. */
      reasoningTokens: z.int().optional(),
      /** In US dollars, or in the currency of the runtime's prices. Null or left out if it is not known. */
      cost: z.number().nullable().optional(),
      /** The message that it is about. */
      messageId: z.string().optional(),
    }),
  },
  'context.compacted': {
    visibility: 'debug',
    schema: z.object({
      /** Names the summary, as in its `usage`. */
      messageId: z.string(),
      /** The text that the model gets instead of the messages. */
      summary: z.string(),
      /** The number of messages that it replaces. */
      messages: z.int(),
      /** The approximate tokens of the request, before and after. */
      tokensBefore: z.int(),
      tokensAfter: z.int(),
    }),
  },
  'step.completed': {
    visibility: 'debug',
    schema: z.object({ name: z.string(), occurrence: z.int(), durationMs: z.number() }),
  },
  'state.checkpoint': { visibility: 'internal', schema: z.object({ state: Json }) },
  error: { visibility: 'user', schema: z.object({ message: z.string(), details: Json.optional() }) },
} as const satisfies Record<string, EventDeclaration>

export type RuntimeEventType = keyof typeof RUNTIME_EVENTS

/**
 * Types that every reader gets, whatever their visibility; the payload is empty for readers who may not see
 * it.
 */
export const ANNOUNCED_EVENTS: readonly string[] = Object.entries<EventDeclaration>(RUNTIME_EVENTS).flatMap(
  ([type, { isAnnounced = false }]) => (isAnnounced ? [type] : []),
)

/** By type, the fields of the payload that readers without debug events do not get. */
export const DEBUG_FIELDS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries<EventDeclaration>(RUNTIME_EVENTS).flatMap(([type, { debugFields }]) =>
    debugFields === undefined ? [] : [[type, debugFields]],
  ),
)

/** The payload of each runtime event type. */
export type RuntimeEventPayloads = {
  [T in RuntimeEventType]: z.infer<(typeof RUNTIME_EVENTS)[T]['schema']>
}
