// The parts of a run's messages, live and stored: their types, and functions that change lists of parts.
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { EventEnvelope } from '../server/contract/event.ts'
import type { Json } from '../server/contract/json.ts'
import type { Part } from '../server/contract/message-part.ts'
import type { PendingWaitOf } from '../server/contract/wait-types.ts'
import { KeyedList } from './keyed-list.ts'
import type { UntypedEvent } from './run-ending.ts'
import type { ToolPart } from './tool-part.ts'

/** A pending wait of the run that belongs to no tool call. */
export interface WaitPart<TShape extends AgentShape = AgentShape> {
  readonly type: 'wait'
  readonly wait: PendingWaitOf<TShape>
}

/** An event of the agent's own. */
export interface CustomPart<TShape extends AgentShape = AgentShape> {
  readonly type: 'custom'
  readonly event: CustomEventOf<TShape>
}

/** The events that an agent declares: a union narrowed by `type`. */
export type CustomEventOf<TShape extends AgentShape> = TShape extends AgentShape
  ? string extends TShape['key']
    ? UntypedEvent
    : {
        [T in keyof TShape['events'] & string]: EventEnvelope & { type: T; payload: TShape['events'][T] }
      }[keyof TShape['events'] & string]
  : never

/** A part of a message: text, reasoning, a file, a tool call, a wait, or an event of the agent's own. */
export type MessagePart<TShape extends AgentShape = AgentShape> =
  | Readonly<Part>
  | ToolPart<TShape>
  | WaitPart<TShape>
  | CustomPart<TShape>

export const NO_PARTS: readonly MessagePart[] = []

export const isTool = (part: MessagePart): part is ToolPart => part.type === 'tool'

/** A message has one text, one reasoning, and each call and wait once. If a stored message has several texts, the first counts. */
export function keyOfPart(part: MessagePart): string | undefined {
  switch (part.type) {
    case 'tool':
      return keyOfCall(part.toolCallId)
    case 'wait':
      return `wait ${part.wait.occurrence ?? 1} ${part.wait.name}`
    case 'text':
    case 'reasoning':
      return part.type
    default:
      return undefined
  }
}

export const keyOfCall = (toolCallId: string): string => `tool ${toolCallId}`

/** The list takes over `parts`. */
export const listOfParts = (parts: MessagePart[]): KeyedList<MessagePart> => new KeyedList(keyOfPart, parts)

/** The fields that a call has in every state. */
export function callOf({ toolCallId, tool, progress, input }: KnownCall): KnownCall & { type: 'tool' } {
  return { type: 'tool', toolCallId, tool, ...(progress === undefined ? {} : { progress }), input }
}

/** The outcome of a call. `result` comes from an event, or is the text that the model was given. */
export function finishedTool(known: KnownCall, result: Json, isError = false): ToolPart {
  const output = typeof result === 'string' ? valueOf(result) : result
  const { error } = Object(output) as { error?: unknown }
  // `toolLoop` tells a model of an error in this form.
  const isFailure = typeof error === 'string' && Object.keys(Object(output)).length === 1
  if (!isError && !isFailure) return { ...callOf(known), state: 'succeeded', output }
  const text = typeof output === 'string' ? output : JSON.stringify(output)
  return { ...callOf(known), state: 'failed', error: isFailure ? error : text }
}

type KnownCall = Omit<Extract<ToolPart, { state: 'called' }>, 'type' | 'state'>

/** Parses a text if its value is certain, because live and stored results must be equal. */
function valueOf(text: string): Json {
  try {
    const value = JSON.parse(text) as Json
    return typeof value === 'object' || JSON.stringify(value) === text ? value : text
  } catch {
    return text
  }
}
