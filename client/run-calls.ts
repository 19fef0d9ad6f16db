// Calls of tools, as parts of the messages that make them.
import type { Json } from '../server/contract/json.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import type { MessagePart, ToolPart } from './message-parts.ts'
import { callOf, finishedTool, isTool } from './message-parts.ts'
import { replaced } from './older-runtimes.ts'
import { fieldsOf } from './run-ending.ts'
import type { RunMessage, SaidState } from './run-messages.ts'
import { changed, hasText, lastWhole, messageOf, withMessage, withWhole } from './run-messages.ts'

/** Pieces of a call's arguments. */
export function withInput<T extends SaidState>(state: T, payload: unknown): T {
  const { toolCallId, tool, content, messageId } = fieldsOf(payload)
  if (typeof toolCallId !== 'string' || typeof content !== 'string') return state
  if (typeof tool !== 'string' || typeof messageId !== 'string') return state
  const message = messageOf(state, messageId)
  const at = message.parts.findIndex(isCall(toolCallId))
  const before = message.parts[at] as ToolPart | undefined
  const isBegun = before?.state === 'input'
  if (before !== undefined && !isBegun) return state
  const text = (isBegun ? before.inputText : '') + content
  const part: ToolPart = { type: 'tool', toolCallId, tool, state: 'input', inputText: text }
  const parts = isBegun ? replaced(message.parts, at, part) : [...message.parts, part]
  const input = { toolCallId, tool, text, messageId }
  const index = state.toolInputs.findIndex((one) => one.toolCallId === toolCallId)
  const toolInputs = index === -1 ? [...state.toolInputs, input] : replaced(state.toolInputs, index, input)
  return { ...withMessage(state, { ...message, parts }), toolInputs }
}

/** A call with all its arguments. */
export function withCall<T extends SaidState>(state: T, payload: unknown): T {
  const { toolCallId, tool, arguments: input = null, messageId } = fieldsOf(payload)
  if (typeof toolCallId !== 'string' || typeof tool !== 'string') return state
  const [known, part] = findCalled(state, toolCallId, messageId)
  // A later attempt tells again what it runs again.
  if (part !== undefined && part.state !== 'input') return state
  const id = known?.id ?? (typeof messageId === 'string' ? messageId : lastWhole(state)?.id)
  const message = messageOf(state, id ?? toolCallId)
  const call: ToolPart = { type: 'tool', toolCallId, tool, state: 'called', input }
  return withWhole(part === undefined ? state : withoutInput(state, toolCallId), {
    ...message,
    complete: message.complete || !hasText(message),
    parts: [...message.parts.filter((one) => one !== part), call],
  })
}

/** The call that is told: one of another message is another where that is done, since some providers number their calls anew in each. */
function findCalled(state: SaidState, toolCallId: string, messageId: Json | undefined): FoundTool {
  const found = findTool(state, toolCallId)
  const [newest, call] = found
  if (typeof messageId !== 'string' || newest === undefined || newest.id === messageId) return found
  const message = state.messages.findLast(({ id }) => id === messageId)
  const part = message?.parts.find(isCall(toolCallId)) as ToolPart | undefined
  if (part !== undefined) return [message, part]
  const isDone = call?.state === 'succeeded' || call?.state === 'failed'
  return isDone ? [undefined, undefined] : found
}

const withoutInput = <T extends SaidState>(state: T, toolCallId: string): T => ({
  ...state,
  toolInputs: state.toolInputs.filter((input) => input.toolCallId !== toolCallId),
})

function withTool<T extends SaidState>(
  state: T,
  toolCallId: unknown,
  change: (part: ToolPart & { input: Json }) => ToolPart,
): T {
  const [message, part] = findTool(state, toolCallId)
  if (message === undefined || part === undefined || !('input' in part)) return state
  const parts = replaced(message.parts, message.parts.indexOf(part), change(part))
  return withMessage(state, { ...message, parts })
}

export function withResult<T extends SaidState>(state: T, payload: unknown): T {
  const { toolCallId, result = null, isError } = fieldsOf(payload)
  return withTool(state, toolCallId, (part) => finishedTool(part, result, isError === true))
}

export function withProgress<T extends SaidState>(state: T, payload: unknown): T {
  const { toolCallId, progress = null } = fieldsOf(payload)
  return withTool(state, toolCallId, (part) => ({ ...part, progress }))
}

/** What the run waits for; nothing any more where there is none. */
export function withWaits<T extends SaidState>(state: T, waits: readonly PendingWait[]): T {
  if (waits.length === 0 && state.waits.length === 0) return state
  const others = new Set(waits)
  const messages = state.messages.map((message) =>
    changed(message, (part) => {
      if (part.type === 'wait') return []
      if (!isTool(part) || (part.state !== 'called' && part.state !== 'waiting')) return part
      const wait = waits.find(({ details }) => fieldsOf(details)['toolCallId'] === part.toolCallId)
      if (wait === undefined) return part.state === 'called' ? part : { ...callOf(part), state: 'called' }
      others.delete(wait)
      return part.state === 'waiting' && part.wait === wait
        ? part
        : { ...callOf(part), state: 'waiting', wait }
    }),
  )
  const current = { ...state, waits, messages }
  const last = lastWhole(current)
  if (last === undefined || others.size === 0) return current
  const parts = [...others].map((wait) => ({ type: 'wait' as const, wait }))
  return withMessage(current, { ...last, parts: [...last.parts, ...parts] })
}

/** Of an attempt that is over: what it did not write to its end is gone, and of a run that is over a call without a result gets none. */
export function withoutOpenCalls<T extends SaidState>(state: T, isOver: boolean): T {
  const messages = state.messages.map((message) =>
    changed(message, (part) => {
      if (!isTool(part)) return part
      if (part.state === 'input') return []
      const isOpen = part.state === 'called' || part.state === 'waiting'
      return isOver && isOpen ? { ...callOf(part), state: 'interrupted' } : part
    }),
  )
  return { ...state, toolInputs: [], messages: messages.filter(({ parts }) => parts.length > 0) }
}

const isCall = (toolCallId: unknown) => (part: MessagePart) => isTool(part) && part.toolCallId === toolCallId

type FoundTool = [RunMessage | undefined, ToolPart | undefined]

/** The newest call of the id. */
function findTool({ messages }: SaidState, toolCallId: unknown): FoundTool {
  const message = messages.findLast(({ parts }) => parts.some(isCall(toolCallId)))
  return [message, message?.parts.find(isCall(toolCallId)) as ToolPart | undefined]
}
