// The messages of a run, made from its events. A reader who missed events that compaction folded must get the same outcome. So:
// - A message has one reasoning and one text, in that order, before everything else. Events of both name their `messageId`.
// - Calls have the order of their `tool.call`, since pieces of their arguments are folded.
// - A part whose event names no message joins the last whole one, since deltas of an unfinished message are folded.
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import { textOf } from '../server/contract/text-of.ts'
import { KeyedList } from './keyed-list.ts'
import { madeOnce } from './made-once.ts'
import type { CustomPart, MessagePart } from './message-parts.ts'
import { isTool, listOfParts } from './message-parts.ts'
import type { UntypedEvent } from './run-ending.ts'
import { fieldsOf } from './run-ending.ts'

/** A message of the assistant, as far as it has arrived, or one that the run was sent. */
export interface RunMessage<TShape extends AgentShape = AgentShape> {
  id: string
  /** Set for messages that were sent to the run while it was under way. Left out for the agent's messages. */
  role?: 'user'
  /** The text of its parts. Empty if it has only tool calls or reasoning so far. */
  content: string
  /** Whether no more of it will come. */
  complete: boolean
  /** Its parts. A part stays the same object until it changes. */
  parts: readonly MessagePart<TShape>[]
}

/** A call of a tool whose arguments are still being written. */
export interface ToolInput {
  toolCallId: string
  tool: string
  /** The arguments as far as they have arrived: the beginning of a JSON text. */
  text: string
  /** The message that calls the tool. */
  messageId: string
}

/** A message while events tell of it. */
export interface Said extends Omit<RunMessage, 'parts'> {
  readonly parts: KeyedList<MessagePart>
  /** The attempt that said it last. */
  readonly saidIn?: number
  /** An event of it stays when the run is compacted. */
  readonly isWhole?: boolean
  /** It has more than pieces of its calls. So it has a place, which compaction keeps. */
  readonly isPlaced?: boolean
}

export interface SaidState {
  readonly attempt: number
  readonly messages: KeyedList<Said>
  readonly toolInputs: KeyedList<ToolInput>
  /** The newest message with each call. */
  readonly callers: KeyedList<Caller>
  /** The newest message that keeps an event after compaction. A part whose event names no message joins it. */
  readonly lastWhole: string | undefined
  /** Parts from before the first such message, which then gets them. */
  readonly early: KeyedList<MessagePart>
  readonly waits: readonly PendingWait[]
  /** The parts that show the waits. */
  readonly asking: readonly { messageId: string; part: string }[]
}

export interface Caller {
  readonly toolCallId: string
  readonly messageId: string
}

const idOf = ({ id }: { id: string }) => id
const callOf = ({ toolCallId }: { toolCallId: string }) => toolCallId

export const NOTHING_SAID: Omit<SaidState, 'attempt'> = {
  messages: new KeyedList<Said>(idOf),
  toolInputs: new KeyedList<ToolInput>(callOf),
  callers: new KeyedList<Caller>(callOf),
  lastWhole: undefined,
  early: listOfParts([]),
  waits: [],
  asking: [],
}

/** The form that callers get. */
const shown = madeOnce(({ id, role, content, complete, parts }: Said): RunMessage => {
  return { id, ...(role && { role }), content, complete, parts: parts.toArray() }
})

export const messagesOf = madeOnce((messages: KeyedList<Said>): readonly RunMessage[] =>
  messages.toArray().map(shown),
)

export const newestText = (messages: KeyedList<Said>): string => messages.findLast(hasText)?.content ?? ''

/** No attempt says it again, so it is never void. */
const isReceived = ({ role }: Said): boolean => role === 'user'

export const hasText = (message: Said): boolean =>
  !isReceived(message) && message.parts.get('text') !== undefined

/** Adds a message that was sent to the run. */
export function withReceived<T extends SaidState>(state: T, payload: unknown): T {
  const { messageId: id, content } = fieldsOf(payload)
  if (typeof id !== 'string' || state.messages.get(id) !== undefined) return state
  const said = content as Parameters<typeof textOf>[0]
  const text = textOf(said)
  const parts = listOfParts(Array.isArray(said) ? [...(said as MessagePart[])] : [{ type: 'text', text }])
  return withMessage(state, { id, role: 'user', content: text, complete: true, parts })
}

/** `whole`: the text replaces everything said of the message before. */
export function withSaid<T extends SaidState>(
  state: T,
  payload: unknown,
  { type, whole = false }: { type: 'text' | 'reasoning'; whole?: boolean },
): T {
  const { messageId: id, content, offset } = fieldsOf(payload)
  if (typeof id !== 'string' || typeof content !== 'string') return state
  const before = messageOf(state, id)
  // A later attempt that says it again begins anew.
  const isAnew = before.saidIn !== state.attempt
  const isText = type === 'text'
  // A late delta of a finished message is already part of it.
  if (isText && before.complete && hasText(before) && !whole && !isAnew) return state
  const kept = isAnew ? without(before, ({ type: other }) => SAID.has(other)) : before
  const said = kept.parts.get(type)
  // A delta that stands for earlier ones says where it begins. The reader may have seen some of them.
  const end = typeof offset === 'number' ? offset : undefined
  const known = whole || said === undefined || !('text' in said) ? '' : said.text.slice(0, end)
  const part = { type, text: known + content }
  const message: Said = {
    ...kept,
    saidIn: state.attempt,
    content: isText ? part.text : isAnew ? '' : before.content,
    complete: whole || (before.complete && !isText && !(isAnew && hasText(before))),
    parts: said === undefined ? inserted(kept.parts, part) : kept.parts.put(part),
  }
  return whole ? withWhole(state, message) : withMessage(state, message)
}

const SAID: ReadonlySet<string> = new Set(['text', 'reasoning'])

/** Reasoning comes right before the text, and both come before calls. */
function inserted(list: KeyedList<MessagePart>, part: MessagePart): KeyedList<MessagePart> {
  const parts = list.toArray()
  const neighbour = parts.findIndex(({ type }) => SAID.has(type) || type === 'tool')
  if (neighbour === -1) return list.put(part)
  const isAfter = part.type === 'text' && parts[neighbour]?.type === 'reasoning'
  const at = neighbour + (isAfter ? 1 : 0)
  return listOfParts([...parts.slice(0, at), part, ...parts.slice(at)])
}

/** Adds an event of the agent's own. */
export function withCustom<T extends SaidState>(state: T, event: UntypedEvent): T {
  const part: CustomPart = { type: 'custom', event }
  const message = lastWhole(state)
  if (message === undefined) return { ...state, early: state.early.put(part) }
  return withMessage(state, { ...message, parts: message.parts.put(part) })
}

/** Removes what an attempt said that is void, so that it is not shown beside what the retry says. */
export function withoutVoid<T extends SaidState>(state: T, isVoid: (id: string) => boolean): T {
  const kept = state.messages.toArray().filter((message) => isReceived(message) || !isVoid(message.id))
  // The retry may or may not emit these again.
  const isOld = (part: MessagePart) => part.type === 'custom' && part.event.attempt === state.attempt
  const next = { ...state, early: NOTHING_SAID.early }
  return withOnly(
    next,
    kept.map((message) => without(message, isOld)),
  )
}

/** Replaces all messages. */
export function withOnly<T extends SaidState>(state: T, messages: Said[]): T {
  const callers = messages.flatMap(({ id, parts }) =>
    parts.toArray().flatMap((part) => (isTool(part) ? [{ toolCallId: part.toolCallId, messageId: id }] : [])),
  )
  const list = new KeyedList(idOf, messages)
  const inputs = state.toolInputs.toArray().filter(({ messageId }) => list.get(messageId) !== undefined)
  return {
    ...state,
    messages: list,
    toolInputs: new KeyedList(callOf, inputs),
    // Keeps the newest message of each call.
    callers: callers.reduce((known, caller) => known.put(caller), NOTHING_SAID.callers),
    lastWhole: messages.findLast(({ isWhole }) => isWhole)?.id,
  }
}

const without = (message: Said, isGone: (part: MessagePart) => boolean): Said =>
  changed(message, (part) => (isGone(part) ? [] : part))

/** Changes parts of a message. Returns the same object if none has changed. */
export function changed(message: Said, change: (part: MessagePart) => MessagePart | readonly []): Said {
  const before = message.parts.toArray()
  const parts = before.flatMap(change)
  const isSame = parts.length === before.length && parts.every((part, at) => part === before[at])
  return isSame ? message : { ...message, parts: listOfParts(parts) }
}

export const messageOf = ({ messages }: SaidState, id: string): Said =>
  messages.get(id) ?? { id, content: '', complete: false, parts: NO_PARTS }

const NO_PARTS = listOfParts([])

export const lastWhole = ({ messages, lastWhole: id }: SaidState): Said | undefined =>
  id === undefined ? undefined : messages.get(id)

/** Puts a message that gets the parts told before it, and may get later ones. */
export function withWhole<T extends SaidState>(state: T, message: Said): T {
  if (message.isWhole) return withMessage(state, message)
  const early = state.early.toArray()
  const parts = early.length === 0 ? message.parts : listOfParts([...early, ...message.parts.toArray()])
  const next = withMessage({ ...state, early: NOTHING_SAID.early }, { ...message, parts, isWhole: true })
  const isLast = next.messages.placeOf(message.id) > next.messages.placeOf(state.lastWhole ?? '')
  return isLast ? { ...next, lastWhole: message.id } : next
}

/** Replaces the message with the same id, or appends. */
export function withMessage<T extends SaidState>(state: T, message: Said): T {
  const before = state.messages.get(message.id)
  const placed = message.isPlaced ? message : { ...message, isPlaced: true }
  if (before === undefined || before.isPlaced) return { ...state, messages: state.messages.put(placed) }
  const moved = { ...state, messages: state.messages.without(message.id).put(placed) }
  return before.parts
    .toArray()
    .reduce<T>((next, part) => (isTool(part) ? withCaller(next, part.toolCallId, message.id) : next), moved)
}

/** The call is found by its id in the newest message that has it. */
export function withCaller<T extends SaidState>(state: T, toolCallId: string, messageId: string): T {
  const known = state.callers.get(toolCallId)?.messageId
  if (known === messageId) return state
  const isNewer = state.messages.placeOf(messageId) > state.messages.placeOf(known ?? '')
  return isNewer ? { ...state, callers: state.callers.put({ toolCallId, messageId }) } : state
}
