// Tool calls, as parts of the messages that make them.
import type { Json } from '../server/contract/json.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import type { MessagePart } from './message-parts.ts'
import { callOf, finishedTool, isTool, keyOfCall, keyOfPart } from './message-parts.ts'
import { fieldsOf } from './run-ending.ts'
import type { Said, SaidState } from './run-messages.ts'
import {
  changed,
  hasText,
  lastWhole,
  messageOf,
  NOTHING_SAID,
  withCaller,
  withMessage,
  withOnly,
  withWhole,
} from './run-messages.ts'
import type { ToolPart } from './tool-part.ts'

/** Pieces of a call's arguments. */
export function withInput<T extends SaidState>(state: T, payload: unknown): T {
  const { toolCallId, tool, content, messageId } = fieldsOf(payload)
  if (typeof toolCallId !== 'string' || typeof content !== 'string') return state
  if (typeof tool !== 'string' || typeof messageId !== 'string') return state
  const message = messageOf(state, messageId)
  const before = callIn(message, toolCallId)
  if (before !== undefined && before.state !== 'input') return state
  const text = (before?.inputText ?? '') + content
  const parts = message.parts.put({ type: 'tool', toolCallId, tool, state: 'input', inputText: text })
  const next = {
    ...state,
    // A piece gives the message no place, because compaction folds pieces of arguments.
    messages: state.messages.put({ ...message, parts }),
    toolInputs: state.toolInputs.put({ toolCallId, tool, text, messageId }),
  }
  return withCaller(next, toolCallId, messageId)
}

/** A call with all its arguments. */
export function withCall<T extends SaidState>(state: T, payload: unknown): T {
  const { toolCallId, tool, arguments: input = null, messageId } = fieldsOf(payload)
  if (typeof toolCallId !== 'string' || typeof tool !== 'string') return state
  const [known, part] = findCalled(state, toolCallId, messageId)
  // A later attempt emits a call again when it runs the call again.
  if (part !== undefined && part.state !== 'input') return state
  const id = known?.id ?? (typeof messageId === 'string' ? messageId : lastWhole(state)?.id)
  const message = messageOf(state, id ?? toolCallId)
  const call: ToolPart = { type: 'tool', toolCallId, tool, state: 'called', input }
  const next = withWhole(part === undefined ? state : withoutInput(state, toolCallId), {
    ...message,
    complete: message.complete || !hasText(message),
    // The part's place is that of the whole call, not of its first piece.
    parts: message.parts.without(keyOfCall(toolCallId)).put(call),
  })
  return withCaller(next, toolCallId, message.id)
}

/** Finds the call of an event. A finished call with this id in another message is a different one: some providers reuse ids. */
function findCalled(state: SaidState, toolCallId: string, messageId: Json | undefined): FoundTool {
  const found = findTool(state, toolCallId)
  const [newest, call] = found
  if (typeof messageId !== 'string' || newest === undefined || newest.id === messageId) return found
  const message = state.messages.get(messageId)
  const part = message && callIn(message, toolCallId)
  if (part !== undefined) return [message, part]
  const isDone = call?.state === 'succeeded' || call?.state === 'failed'
  return isDone ? [undefined, undefined] : found
}

const withoutInput = <T extends SaidState>(state: T, toolCallId: string): T => ({
  ...state,
  toolInputs: state.toolInputs.without(toolCallId),
})

const withPart = <T extends SaidState>(state: T, message: Said, part: MessagePart): T =>
  withMessage(state, { ...message, parts: message.parts.put(part) })

function withTool<T extends SaidState>(
  state: T,
  toolCallId: unknown,
  change: (part: ToolPart & { input: Json }) => ToolPart,
): T {
  const [message, part] = findTool(state, toolCallId)
  if (message === undefined || part === undefined || !('input' in part)) return state
  return withPart(state, message, change(part))
}

export function withResult<T extends SaidState>(state: T, payload: unknown): T {
  const { toolCallId, result = null, isError } = fieldsOf(payload)
  return withTool(state, toolCallId, (part) => finishedTool(part, result, isError === true))
}

export function withProgress<T extends SaidState>(state: T, payload: unknown): T {
  const { toolCallId, progress = null } = fieldsOf(payload)
  return withTool(state, toolCallId, (part) => ({ ...part, progress }))
}

/** Adds a wait of the run. It is shown in the call that it is about, or else as a part of its own. */
export function withWait<T extends SaidState>(state: T, wait: PendingWait): T {
  const current = { ...state, waits: [...state.waits, wait] }
  const [caller, call] = findTool(state, fieldsOf(wait.details)['toolCallId'])
  const isCall = call?.state === 'called'
  const message = isCall ? caller : lastWhole(state)
  if (message === undefined) return current
  const part: MessagePart = isCall ? { ...callOf(call), state: 'waiting', wait } : { type: 'wait', wait }
  const asking = [...state.asking, { messageId: message.id, part: keyOfPart(part) ?? '' }]
  return { ...withPart(current, message, part), asking }
}

/** The run waits for nothing any more. */
export function withoutWaits<T extends SaidState>(state: T): T {
  if (state.waits.length === 0) return state
  return state.asking.reduce<T>(
    (next, { messageId, part: key }) => {
      const message = messageOf(next, messageId)
      const part = message.parts.get(key)
      if (part?.type === 'wait') return withMessage(next, { ...message, parts: message.parts.without(key) })
      if (part === undefined || !isTool(part) || part.state !== 'waiting') return next
      return withPart(next, message, { ...callOf(part), state: 'called' })
    },
    { ...state, waits: [], asking: [] },
  )
}

/** Removes the calls that an ended attempt did not finish writing. If the run is over, calls without a result are interrupted. */
export function withoutOpenCalls<T extends SaidState>(state: T, isOver: boolean): T {
  const messages = state.messages.toArray().map((message) =>
    changed(message, (part) => {
      if (!isTool(part)) return part
      if (part.state === 'input') return []
      const isOpen = part.state === 'called' || part.state === 'waiting'
      return isOver && isOpen ? { ...callOf(part), state: 'interrupted' } : part
    }),
  )
  return {
    ...withOnly(
      state,
      messages.filter(({ parts }) => parts.toArray().length > 0),
    ),
    toolInputs: NOTHING_SAID.toolInputs,
  }
}

const callIn = ({ parts }: Said, toolCallId: string): ToolPart | undefined =>
  parts.get(keyOfCall(toolCallId)) as ToolPart | undefined

type FoundTool = [Said | undefined, ToolPart | undefined]

/** The newest call with this id. */
function findTool({ messages, callers }: SaidState, toolCallId: unknown): FoundTool {
  if (typeof toolCallId !== 'string') return [undefined, undefined]
  const message = messages.get(callers.get(toolCallId)?.messageId ?? '')
  return [message, message && callIn(message, toolCallId)]
}
