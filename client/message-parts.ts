// The parts of a run's messages, live and stored: their types, and functions that change lists of parts.
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { EventEnvelope } from '../server/contract/event.ts'
import type { Json } from '../server/contract/json.ts'
import type { Part } from '../server/contract/message-part.ts'
import type { PendingWaitOf } from '../server/contract/wait-types.ts'
import { KeyedList } from './keyed-list.ts'
import type { UntypedEvent } from './run-ending.ts'
import type { ToolPart } from './tool-part.ts'

/** Something that the run waits for now, beside its tools. */
export interface WaitPart<TShape extends AgentShape = AgentShape> {
  readonly type: 'wait'
  readonly wait: PendingWaitOf<TShape>
}

/** What an agent told by an event of its own. */
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

/** A piece of a message: what is said, thought or sent along, a call of a tool, a wait, or an event of the agent's own. */
export type MessagePart<TShape extends AgentShape = AgentShape> =
  | Readonly<Part>
  | ToolPart<TShape>
  | WaitPart<TShape>
  | CustomPart<TShape>

export const NO_PARTS: readonly MessagePart[] = []

export const isTool = (part: MessagePart): part is ToolPart => part.type === 'tool'

/** A message has one text, one thought, and each call and wait once. Of a stored message's texts it is the first. */
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

/** `parts` are the list's from then on. */
export const listOfParts = (parts: MessagePart[]): KeyedList<MessagePart> => new KeyedList(keyOfPart, parts)

/** What stays of a call whatever becomes of it. */
export function callOf({ toolCallId, tool, progress, input }: KnownCall): KnownCall & { type: 'tool' } {
  return { type: 'tool', toolCallId, tool, ...(progress === undefined ? {} : { progress }), input }
}

/** The outcome of a call, from its result as an event has it, or as the text that its model was given. */
export function finishedTool(known: KnownCall, result: Json, isError = false): ToolPart {
  const output = typeof result === 'string' ? valueOf(result) : result
  const { error } = Object(output) as { error?: unknown }
  // As `toolLoop` tells a model of an error.
  const isFailure = typeof error === 'string' && Object.keys(Object(output)).length === 1
  if (!isError && !isFailure) return { ...callOf(known), state: 'succeeded', output }
  const text = typeof output === 'string' ? output : JSON.stringify(output)
  return { ...callOf(known), state: 'failed', error: isFailure ? error : text }
}

type KnownCall = Omit<Extract<ToolPart, { state: 'called' }>, 'type' | 'state'>

/** The value that a text is of, where it can't be another's: live and stored results are to be one. */
function valueOf(text: string): Json {
  try {
    const value = JSON.parse(text) as Json
    return typeof value === 'object' || JSON.stringify(value) === text ? value : text
  } catch {
    return text
  }
}
