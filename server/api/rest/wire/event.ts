import { v5 as uuidv5 } from 'uuid'
import { z } from 'zod'
import type { AnyConversationEvent, RunCreatedEvent } from '../../../contract/conversation-event.ts'
import { RUNTIME_EVENTS } from '../../../contract/runtime-events.ts'
import { Visibility } from '../../../contract/visibility.ts'
import type { AnyRunEvent } from '../../../contract/event.ts'
import type { Json, JsonObject } from '../../../contract/json.ts'
import { isWorthAnotherTry } from '../../../contract/run.ts'
import type { PendingWait } from '../../../contract/wait.ts'
import type { Usage } from '../../../contract/budget.ts'
import { RestMessage, toRestMessage } from './message.ts'
import { answerSchema } from './named.ts'
import { RestUsage, toRestUsage } from './usage.ts'
import { RestWait, toRestWait } from './wait.ts'
import { FreeJson, Time, isObject, snake, snakeKeys } from './names.ts'

/** The fields of every event. */
const ENVELOPE = {
  run_id: z.uuid(),
  seq: z.int().describe('Its place in the run, from 1. It grows, with gaps.'),
  ts: Time,
  attempt: z.int(),
  visibility_level: Visibility,
  ui_visible: z.boolean().describe('Whether everybody who may see the run may read it.'),
}

/** The payload's own fields are beside those of the event, and cannot replace them. */
const eventOf = (type: z.ZodType<string>, payload: z.ZodType, fields: Record<string, z.ZodType> = {}) =>
  z.looseObject({ ...fields, ...ENVELOPE, type, payload })

/** Fields that REST adds to payloads, for clients that expect other names. */
const ADDED: Record<string, Record<string, z.ZodType>> = {
  'run.started': { attempt: z.int() },
  'run.failed': {
    attempt: z.int(),
    retriable: z.boolean().describe('If false, it is not sent again.'),
    error_type: z.string(),
    error_details: z
      .object({ type: z.string(), message: z.string(), retriable: z.boolean(), details: FreeJson })
      .describe("The run's `error`."),
  },
  'assistant.delta': { delta: z.string().describe('The same as `content`.') },
  'reasoning.delta': { delta: z.string().describe('The same as `content`.') },
  'tool.input': {
    delta: z.string().describe('The same as `content`.'),
    name: z.string().describe('The same as `tool`.'),
    id: z.string(),
  },
  'child.waiting': { waits: z.array(RestWait) },
  'child.ended': {
    usage: z
      .looseObject({ ...RestUsage.shape, tool_calls: z.int().optional() })
      .nullable()
      .describe('Includes all runs below it.'),
  },
  'tool.call': { name: z.string().describe('The same as `tool`.'), id: z.string() },
  'tool.result': { name: z.string().describe('The same as `tool`.'), id: z.string() },
}

/** The events of the runtime itself, each with its payload, and those of agents. */
export type RestEvent = z.infer<typeof RestEvent>
export const RestEvent = answerSchema(
  'RunEvent',
  z.union([
    ...Object.entries(RUNTIME_EVENTS).map(([type, { schema }]) =>
      answerSchema(nameOf(type), eventOf(z.literal(type), payloadOf(type, schema))),
    ),
    answerSchema(
      'AgentEvent',
      eventOf(
        z.string().meta({ not: { enum: Object.keys(RUNTIME_EVENTS) } }),
        FreeJson.describe("An event of the agent's own."),
      ),
    ),
  ]),
)

/** `run.timed_out` is `RunTimedOutEvent`. */
function nameOf(type: string): string {
  const words = type.split(/[._]/).map((word) => word.charAt(0).toUpperCase() + word.slice(1))
  return `${words.join('')}Event`
}

/** Each field may be missing, since readers that may not see the payload get an empty one. */
function payloadOf(type: string, schema: z.ZodObject): z.ZodType {
  const fields = Object.entries(schema.shape).map(([key, field]) => [snake(key), field] as const)
  return z.looseObject({ ...Object.fromEntries(fields), ...ADDED[type] }).partial()
}

/** Whether the payload's fields are the runtime's. Payloads of agents' own events are not changed. */
const isRuntimes = (type: string) => Object.hasOwn(RUNTIME_EVENTS, type)

export function toRestEvent(event: AnyRunEvent | AnyConversationEvent) {
  const payload = toRestPayload(event)
  return {
    // The payload's own fields come first, so they cannot replace the fields that identify the event.
    ...(isObject(payload) ? payload : {}),
    run_id: event.runId,
    seq: event.seq,
    type: event.type,
    ts: event.ts,
    attempt: event.attempt,
    visibility_level: event.visibility,
    ui_visible: event.visibility === 'user',
    ...('cursor' in event ? { cursor: event.cursor } : {}),
    payload,
  }
}

function toRestPayload({ type, attempt, payload, seq }: AnyRunEvent): Json {
  // No event of a run has this number.
  if (seq === 0 && type === ('run.created' satisfies RunCreatedEvent['type'])) {
    const { messages, ...rest } = payload as unknown as RunCreatedEvent['payload']
    return snakeKeys({ ...rest, messages: messages.map(toRestMessage) as unknown as Json })
  }
  if (!isRuntimes(type)) return payload
  const renamed = snakeKeys(payload)
  return isObject(renamed) ? { ...renamed, ...addedTo(type, renamed, attempt) } : renamed
}

function addedTo(type: string, payload: JsonObject, attempt: number): JsonObject {
  switch (type) {
    // A payload that is hidden from the reader stays empty.
    case 'run.started':
      return Object.hasOwn(payload, 'agent_key') ? { attempt } : {}
    case 'run.succeeded':
      return Object.hasOwn(payload, 'output')
        ? { usage: toRestUsage((payload['usage'] ?? null) as Usage | null) as Json }
        : {}
    case 'run.failed': {
      const { error = null, code = null, details = {} } = payload
      const retriable = typeof code === 'string' && isWorthAnotherTry(code)
      const error_details = { type: code, message: error, retriable, details }
      return { attempt, retriable: false, error_type: code, error_details }
    }
    case 'child.waiting':
      return Array.isArray(payload['waits'])
        ? { waits: (payload['waits'] as PendingWait[]).map(toRestWait) as unknown as Json }
        : {}
    case 'child.ended':
      return isObject(payload['usage'] ?? null)
        ? { usage: toRestChildUsage(payload['usage'] as unknown as ChildUsage) }
        : {}
    case 'assistant.delta':
    case 'reasoning.delta':
      return { delta: payload['content'] ?? '' }
    case 'tool.input':
      return { delta: payload['content'] ?? '', ...calledBy(payload) }
    case 'tool.call':
    case 'tool.result':
      return calledBy(payload)
    default:
      return {}
  }
}

type ChildUsage = Usage & { toolCalls: number }

const toRestChildUsage = ({ toolCalls, ...usage }: ChildUsage): JsonObject => ({
  ...(toRestUsage(usage) as JsonObject),
  tool_calls: toolCalls,
})

const calledBy = (payload: JsonObject) => ({
  name: payload['tool'] ?? null,
  id: payload['tool_call_id'] ?? null,
})

/** An event of a conversation: an event of a run, or one that announces a run. */
export type RestConversationEvent = z.infer<typeof RestConversationEvent>
export const RestConversationEvent = answerSchema(
  'ConversationEvent',
  z.intersection(
    z.union([
      RestEvent,
      answerSchema(
        'RunCreatedEvent',
        eventOf(z.literal('run.created'), z.looseObject({ messages: z.array(RestMessage) }).partial()),
      ),
    ]),
    z.object({ cursor: z.string().describe('Continue after this event.') }),
  ),
)

/** An event in a run's detail. Its fields have other names than in a stream. */
export type RestEventRecord = z.infer<typeof RestEventRecord>
export const RestEventRecord = answerSchema(
  'RunEventRecord',
  z.object({
    id: z.uuid(),
    run_id: z.uuid(),
    seq: z.int(),
    event_type: z.string(),
    payload: FreeJson,
    timestamp: Time,
  }),
)

export function toRestEventRecord(event: AnyRunEvent): RestEventRecord {
  return {
    // Events have no id of their own. This one is made from run and `seq`, so it is the same each time.
    id: uuidv5(String(event.seq), event.runId),
    run_id: event.runId,
    seq: event.seq,
    event_type: event.type,
    payload: toRestPayload(event),
    timestamp: event.ts,
  }
}
