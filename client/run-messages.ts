// The messages of a run while events tell of them. Whatever a reader has missed that compaction has folded, the outcome is the same:
// - A message has one reasoning and one text, in that order, before everything else: the text of both is by `messageId`.
// - Calls have the order of their `tool.call`, since pieces of their arguments are folded.
// - What is of no message by its name joins the last whole one, since deltas of one that is being said are folded.
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import { textOf } from '../server/contract/text-of.ts'
import type { CustomPart, MessagePart } from './message-parts.ts'
import { isTool, NO_PARTS } from './message-parts.ts'
import { replaced } from './older-runtimes.ts'
import type { UntypedEvent } from './run-ending.ts'
import { fieldsOf } from './run-ending.ts'

/** A message of the assistant, as far as it has arrived, or one that the run was sent. */
export interface RunMessage<TShape extends AgentShape = AgentShape> {
  id: string
  /** Of what the run was sent while it was under way. Left out of what its agent says. */
  role?: 'user'
  /** The text of its parts. Empty where it only calls tools, or is only thought about so far. */
  content: string
  /** Whether this is all of it. */
  complete: boolean
  /** What it is made of. Each is the same object until it changes. */
  parts: readonly MessagePart<TShape>[]
}

/** A call of a tool whose arguments are still being written. */
export interface ToolInput {
  toolCallId: string
  tool: string
  /** The arguments as far as they have arrived: the beginning of a JSON text. */
  text: string
  /** The answer that calls the tool. */
  messageId: string
}

export interface SaidState {
  readonly attempt: number
  readonly text: string
  readonly messages: readonly RunMessage[]
  readonly toolInputs: readonly ToolInput[]
  /** By message, the attempt that said it last. */
  readonly saidIn: ReadonlyMap<string, number>
  /** Messages of which an event stays when a run is compacted. */
  readonly whole: ReadonlySet<string>
  /** What the agent told before there was one, which gets it. */
  readonly early: readonly CustomPart[]
  readonly waits: readonly PendingWait[]
}

export const NOTHING_SAID: Omit<SaidState, 'attempt'> = {
  text: '',
  messages: [],
  toolInputs: [],
  saidIn: new Map(),
  whole: new Set(),
  early: [],
  waits: [],
}

function withMessages<T extends SaidState>(state: T, messages: readonly RunMessage[]): T {
  return { ...state, text: messages.findLast(hasText)?.content ?? '', messages }
}

/** No attempt says it again, so it is never void. */
const isReceived = ({ role }: RunMessage): boolean => role === 'user'

export const hasText = (message: RunMessage) =>
  !isReceived(message) && message.parts.some(({ type }) => type === 'text')

/** What the run was sent. */
export function withReceived<T extends SaidState>(state: T, payload: unknown): T {
  const { messageId: id, content } = fieldsOf(payload)
  if (typeof id !== 'string' || state.messages.some((message) => message.id === id)) return state
  const said = content as Parameters<typeof textOf>[0]
  const text = textOf(said)
  const parts = Array.isArray(said) ? (said as MessagePart[]) : [{ type: 'text' as const, text }]
  return withMessages(state, [...state.messages, { id, role: 'user', content: text, complete: true, parts }])
}

/** `whole`: in place of all that was said of it. */
export function withSaid<T extends SaidState>(
  state: T,
  payload: unknown,
  { type, whole = false }: { type: 'text' | 'reasoning'; whole?: boolean },
): T {
  const { messageId: id, content, offset } = fieldsOf(payload)
  if (typeof id !== 'string' || typeof content !== 'string') return state
  // A later attempt that says it again begins anew.
  const isAnew = state.saidIn.get(id) !== state.attempt
  const current = isAnew ? { ...state, saidIn: new Map(state.saidIn).set(id, state.attempt) } : state
  const before = messageOf(state, id)
  const isText = type === 'text'
  // A late delta of a finished message is already part of it.
  if (isText && before.complete && hasText(before) && !whole && !isAnew) return state
  const parts = isAnew ? before.parts.filter(({ type: other }) => !SAID.has(other)) : before.parts
  const at = parts.findIndex((part) => part.type === type)
  const said = parts[at]
  // A delta says where it begins when it stands for those before it, which may have been seen or not.
  const end = typeof offset === 'number' ? offset : undefined
  const kept = whole || said === undefined || !('text' in said) ? '' : said.text.slice(0, end)
  const part = { type, text: kept + content }
  const message: RunMessage = {
    ...before,
    content: isText ? part.text : isAnew ? '' : before.content,
    complete: whole || (before.complete && !isText && !(isAnew && hasText(before))),
    parts: at === -1 ? inserted(parts, part) : replaced(parts, at, part),
  }
  return whole ? withWhole(current, message) : withMessage(current, message)
}

const SAID: ReadonlySet<string> = new Set(['text', 'reasoning'])

/** What is thought comes right before the text, and both before calls. */
function inserted(parts: readonly MessagePart[], part: MessagePart): readonly MessagePart[] {
  const neighbour = parts.findIndex(({ type }) => SAID.has(type) || type === 'tool')
  const isAfter = part.type === 'text' && parts[neighbour]?.type === 'reasoning'
  const at = neighbour === -1 ? parts.length : neighbour + (isAfter ? 1 : 0)
  return [...parts.slice(0, at), part, ...parts.slice(at)]
}

/** An event of the agent's own. */
export function withCustom<T extends SaidState>(state: T, event: UntypedEvent): T {
  const part: CustomPart = { type: 'custom', event }
  const message = lastWhole(state)
  if (message === undefined) return { ...state, early: [...state.early, part] }
  return withMessage(state, { ...message, parts: [...message.parts, part] })
}

/** Without what an attempt said that is void: nothing of it is shown beside what its retry says. */
export function withoutVoid<T extends SaidState>(state: T, isVoid: (id: string) => boolean): T {
  const kept = state.messages.filter((message) => isReceived(message) || !isVoid(message.id))
  // Nobody knows which of these are told again.
  const isOld = (part: MessagePart) => part.type === 'custom' && part.event.attempt === state.attempt
  const messages = kept.map((message) => changed(message, (part) => (isOld(part) ? [] : part)))
  const whole = new Set(messages.flatMap(({ id }) => (state.whole.has(id) ? [id] : [])))
  const isKept = ({ messageId }: ToolInput) => messages.some(({ id }) => id === messageId)
  const toolInputs = state.toolInputs.filter(isKept)
  return withMessages({ ...state, whole, early: [], toolInputs }, messages)
}

/** With other parts; the same object where none has changed. */
export function changed(
  message: RunMessage,
  change: (part: MessagePart) => MessagePart | readonly [],
): RunMessage {
  const parts = message.parts.flatMap(change)
  const isSame =
    parts.length === message.parts.length && parts.every((part, at) => part === message.parts[at])
  return isSame ? message : { ...message, parts }
}

export const messageOf = ({ messages }: SaidState, id: string): RunMessage =>
  messages.findLast((message) => message.id === id) ?? { id, content: '', complete: false, parts: NO_PARTS }

/** What is of no message by its name joins this one. */
export const lastWhole = ({ messages, whole }: SaidState): RunMessage | undefined =>
  messages.findLast(({ id }) => whole.has(id))

/** The message, which gets what was told before it, and may get more. */
export function withWhole<T extends SaidState>(state: T, message: RunMessage): T {
  if (state.whole.has(message.id)) return withMessage(state, message)
  const parts = state.early.length === 0 ? message.parts : [...state.early, ...message.parts]
  const whole = new Set(state.whole).add(message.id)
  return withMessage({ ...state, whole, early: [] }, { ...message, parts })
}

/** In the place of the one of its id; else the last. */
export function withMessage<T extends SaidState>(state: T, message: RunMessage): T {
  const index = state.messages.findLastIndex(({ id }) => id === message.id)
  const before = state.messages[index]
  // It has its place by what stays of it.
  const isMoved = before !== undefined && isBeingWritten(before) && !isBeingWritten(message)
  const messages =
    before === undefined || isMoved
      ? [...state.messages.filter((one) => one !== before), message]
      : replaced(state.messages, index, message)
  return withMessages(state, messages)
}

/** Whether there are pieces of its calls and nothing else so far. */
const isBeingWritten = ({ parts }: RunMessage) =>
  parts.length > 0 && parts.every((part) => isTool(part) && part.state === 'input')
