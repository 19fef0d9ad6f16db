// Makes any list of messages valid for providers. Each refuses some lists that agents may cut, join or bring along.
import type { Message, ToolCall } from '../../contract/message.ts'
import type { Part } from '../../contract/message-part.ts'

type Result = Extract<Message, { role: 'tool' }>

/** The result of a call that has none, since its run may have ended before. */
const NO_RESULT = JSON.stringify({ error: 'The call was not answered.' })

/** The user message where there is none to answer. */
export const PROMPT: Message = { role: 'user', content: 'Go on.' }

/**
 * The messages without those that say nothing, and each call of a tool followed by its result: results of no call are left
 * out, and a call without one gets an error.
 *
 * @param isKept whether an answer stays that says nothing, for what belongs to it.
 */
export function withResults(
  messages: readonly Message[],
  isKept: (message: Message) => boolean = () => false,
): Message[] {
  const used = new Set<Result>()
  const history = messages.flatMap((message, index): Message[] => {
    if (message.role === 'tool') return []
    if (message.role !== 'assistant' || !message.toolCalls?.length) {
      return isKept(message) || saysSomething(message) ? [message] : []
    }
    return [message, ...message.toolCalls.map((call) => take(call, index))]
  })
  return history.some(({ role }) => role !== 'system') ? history : [...history, PROMPT]

  function take({ id }: ToolCall, from: number): Message {
    const rest = messages.slice(from + 1)
    const next = rest.findIndex(
      (each) => each.role === 'assistant' && each.toolCalls?.some((call) => call.id === id),
    )
    const result = rest
      .slice(0, next === -1 ? undefined : next)
      .find((each): each is Result => each.role === 'tool' && each.toolCallId === id && !used.has(each))
    if (result === undefined) return { role: 'tool', toolCallId: id, content: NO_RESULT }
    used.add(result)
    return result
  }
}

/** A message of reasoning alone counts as empty, since reasoning is not sent to providers. */
function saysSomething({ content }: Message): boolean {
  if (content === null) return false
  if (typeof content === 'string') return content.trim() !== ''
  return (content as readonly Part[]).some((part) => part.type !== 'reasoning' && !isBlank(part))
}

function isBlank(part: Part): boolean {
  return (part.type === 'text' || part.type === 'refusal') && part.text.trim() === ''
}

/**
 * The same, where neighbours of one role are one message, since many servers want roles to take turns, and no part is empty.
 *
 * @param isApart whether a message stays one of its own, for what belongs to it.
 */
export function merged(messages: readonly Message[], isApart: (message: Message) => boolean): Message[] {
  const list: Message[] = []
  for (const message of messages) {
    const last = list.at(-1)
    const joined = last && !isApart(last) && !isApart(message) ? join(last, message) : undefined
    if (joined === undefined) list.push(isApart(message) ? message : withoutBlanks(message))
    else list[list.length - 1] = joined
  }
  return list
}

function join(one: Message, other: Message): Message | undefined {
  if (one.role !== other.role || hasName(one) || hasName(other)) return undefined
  if (one.role === 'user' && other.role === 'user') {
    return { ...one, content: joinContent(one.content, other.content) } as Message
  }
  if (one.role !== 'assistant' || other.role !== 'assistant' || one.toolCalls?.length) return undefined
  const { content, toolCalls } = other
  const said = content === null ? one.content : joinContent(one.content ?? [], content)
  return { ...one, content: said, ...(toolCalls === undefined ? {} : { toolCalls }) }
}

function joinContent(one: string | readonly Part[], other: string | readonly Part[]): string | Part[] {
  if (typeof one === 'string' && typeof other === 'string') return `${one}\n\n${other}`
  return [...toParts(one), ...toParts(other)].filter((part) => !isBlank(part))
}

function toParts(content: string | readonly Part[]): readonly Part[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content
}

function withoutBlanks(message: Message): Message {
  if (!Array.isArray(message.content)) return message
  const parts = (message.content as readonly Part[]).filter((part) => !isBlank(part))
  return { ...message, content: parts.length === 0 ? '' : parts } as Message
}

function hasName(message: Message): boolean {
  return 'name' in message && message.name !== undefined
}
