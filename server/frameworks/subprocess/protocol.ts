// What a process and the runtime say to each other, a JSON object a line: docs/subprocess-protocol.md.
import { z } from 'zod'
import { ERROR_CODES } from '../../contract/agent-runtime-error.ts'
import { Visibility } from '../../contract/visibility.ts'
import { Json, JsonObject } from '../../contract/json.ts'
import { CallName } from '../../contract/wait.ts'

export const PROTOCOL_VERSION = 1
/** What was added within the version, told with the runtime's hello: 2 has `on_end`. Whoever finds none speaks to 1. */
export const PROTOCOL_REVISION = 2
/** Requests of one run that are not answered yet. */
export const MAX_OPEN_REQUESTS = 1_000

const ofRun = { run: z.int().min(1) }
const id = z.int().min(1)
/** The request that began the step in which it is said. */
const step = z.int().min(1).optional()
const request = { ...ofRun, id, step }
const text = z.string().max(100_000)

const ToolOffer = z.object({
  type: z.literal('function').default('function'),
  function: z.object({
    name: z.string().min(1).max(200),
    description: z.string().default(''),
    parameters: z.record(z.string(), z.unknown()).default({ type: 'object', properties: {} }),
  }),
})

/** What a process says, by its `type`. */
export const PROCESS_MESSAGES = {
  hello: z.object({
    protocol: z.int(),
    agents: z.array(z.string()).optional(),
    sdk: z.string().max(200).optional(),
  }),
  emit: z.object({
    ...ofRun,
    step,
    event: z.string().min(1).max(100),
    payload: Json,
    visibility: Visibility.optional(),
    once: z.boolean().optional(),
  }),
  log: z.object({
    ...ofRun,
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    message: text,
    fields: JsonObject.optional(),
  }),
  model: z.object({
    ...request,
    messages: z.array(z.unknown()),
    model: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
    system: z.string().optional(),
    tools: z.array(ToolOffer).optional(),
    response_schema: JsonObject.optional(),
    /** A step of its own, whose text is told to whoever follows the run. */
    turn: z.boolean().default(false),
    /** Whether pieces of the answer are sent as they come. */
    deltas: z.boolean().default(false),
    max_output_tokens: z.int().min(1).optional(),
    temperature: z.number().optional(),
    reasoning_effort: z.enum(['none', 'low', 'medium', 'high']).optional(),
    stop: z.array(z.string()).optional(),
    prompt_cache: z.boolean().optional(),
  }),
  'step.begin': z.object({ ...request, name: CallName, at_most_once: z.boolean().optional() }),
  'step.end': z.object({ ...ofRun, id, result: Json.default(null) }),
  'step.error': z.object({ ...ofRun, id, message: text.default('The step failed.') }),
  checkpoint: z.object({ ...request, state: Json }),
  wait: z.object({
    ...request,
    name: z.string(),
    schema: JsonObject.optional(),
    details: Json.optional(),
    timeout_ms: z.number().optional(),
  }),
  approve: z.object({
    ...request,
    name: z.string().min(1),
    arguments: Json,
    tool_call_id: z.string().optional(),
    details: Json.optional(),
    timeout_ms: z.number().optional(),
  }),
  sleep: z.object({ ...request, ms: z.number() }),
  child_run: z.object({
    ...request,
    agent: z.string(),
    messages: z.union([z.string(), z.array(z.unknown())]).optional(),
    params: Json.optional(),
    /** Tells calls apart that may come in another order. */
    name: z.string().optional(),
    /** Nobody waits for it. */
    detached: z.boolean().default(false),
    /** Of one that nobody waits for: who is told of its end. */
    on_end: z.string().max(100).optional(),
    metadata: JsonObject.optional(),
    timeout_ms: z.int().min(1).optional(),
    max_attempts: z.int().min(1).optional(),
    budget: z
      .object({ tokens: z.int().min(1), tool_calls: z.int().min(1), cost: z.number().min(0) })
      .partial()
      .optional(),
  }),
  history: z.object({ ...request, include_failed_runs: z.boolean().default(false) }),
  end: z.object({ ...ofRun, output: Json.optional(), messages: z.array(z.unknown()).default([]) }),
  error: z.object({
    ...ofRun,
    message: text,
    /** With one, the message is shown to the run's owner. */
    code: z.enum(ERROR_CODES).optional(),
    details: Json.optional(),
    retriable: z.boolean().default(true),
    /** The request whose error this is. */
    cause: id.optional(),
    stack: text.optional(),
  }),
} as const

type Messages = { [T in keyof typeof PROCESS_MESSAGES]: z.output<(typeof PROCESS_MESSAGES)[T]> & { type: T } }

export type ProcessMessage = Messages[keyof Messages]
export type MessageOf<T extends keyof Messages> = Messages[T]
/** What is said of a run. */
export type RunMessage = Exclude<ProcessMessage, { type: 'hello' }>

/** A request of a type that this version does not have. It is answered with an error. */
export interface UnknownRequest {
  type: 'unknown'
  name: string
  run: number
  id: number
}

const Unknown = z.object({ type: z.string().max(100), ...ofRun, id })

/**
 * A process said what it must not. The message is what it sent, in the middle of a sentence that the run's owner reads: nothing that
 * the program wrote is in it, which may be a secret that it printed. What is for the log alone is the `cause`.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'

  /** @param particulars for the log. */
  constructor(what: string, particulars?: string) {
    super(what, particulars === undefined ? undefined : { cause: new Error(particulars) })
  }
}

/** @throws ProtocolError saying what is wrong with the line. */
export function readMessage(line: string): ProcessMessage | UnknownRequest {
  const value = parse(line)
  const type = z.object({ type: z.string() }).safeParse(value).data?.type
  if (type === undefined) throw new ProtocolError('a line that is no message', excerpt(line))
  if (!isKnown(type)) {
    const unknown = Unknown.safeParse(value)
    if (!unknown.success) throw new ProtocolError('a message of an unknown type', excerpt(type))
    const { run, id } = unknown.data
    return { type: 'unknown', name: type, run, id }
  }
  const parsed = PROCESS_MESSAGES[type].safeParse(value)
  if (parsed.success) return { ...parsed.data, type } as ProcessMessage
  throw new ProtocolError(
    `a message "${type}" that is not valid`,
    z.prettifyError(parsed.error).slice(0, 500),
  )
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    throw new ProtocolError('a line that is no JSON', excerpt(line))
  }
}

const isKnown = (type: string): type is keyof Messages => Object.hasOwn(PROCESS_MESSAGES, type)
const excerpt = (text: string) => `It was: ${JSON.stringify(text.slice(0, 200))}`

/** What the runtime says. */
export type RuntimeMessage =
  | {
      type: 'hello'
      protocol: number
      revision: number
      limits: { message_bytes: number; open_requests: number }
    }
  | ({ type: 'start'; run: number } & StartedRun)
  | { type: 'step.begun'; run: number; id: number; idempotency_key: string }
  | { type: 'model.delta'; run: number; id: number; text?: string; reasoning?: string }
  | { type: 'result'; run: number; id: number; result: Json }
  | {
      type: 'error'
      run: number
      id: number
      message: string
      code: string
      retriable: boolean
      reason?: string
    }
  | { type: 'cancel'; run: number; reason: string }

export interface StartedRun {
  agent: string
  run_id: string
  conversation_id: string | null
  attempt: number
  messages: readonly object[]
  params: Json
  metadata: JsonObject
  preferences: object
  principal: { id: string; tenant_id: string; kind: string }
  /** The newest checkpoint; null where there is none. */
  state: Json
}
