// The parts of stored messages. They equal the parts that the run had live.
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { Message, ToolCall } from '../server/contract/message.ts'
import { textOf } from '../server/contract/text-of.ts'
import type { MessagePart } from './message-parts.ts'
import { callOf, finishedTool, NO_PARTS } from './message-parts.ts'

type Result = Message | undefined

/** The results by the array of a message's calls, which copies of the message share. */
type Results = ReadonlyMap<readonly ToolCall[], readonly Result[]>

/** What parts were made of. While it is the same, the parts stay the same. */
interface Made {
  results: readonly Result[]
  parts: readonly MessagePart[]
}

const made = new WeakMap<Message, Made>()
const resultsIn = new WeakMap<readonly Message[], Results>()

/**
 * The parts of a stored message: reasoning, text, files, and tool calls with their results, which are looked up in
 * `messages`. A tool result has no parts. Returns the same array until the message or its results change. With the type of a runtime's
 * agents, `partsOf<ShapesOf<typeof runtime>>`, calls have the types of their tools.
 *
 * @example
 * const { messages } = await client.conversations.get({ conversationId, includeDebug: true })
 * for (const message of messages) show(partsOf(message, messages))
 */
export function partsOf<TShape extends AgentShape = AgentShape>(
  message: Message,
  messages: readonly Message[],
): readonly MessagePart<TShape>[] {
  // The types are taken on trust, like those of events.
  return storedParts(message, messages) as readonly MessagePart<TShape>[]
}

function storedParts(message: Message, messages: readonly Message[]): readonly MessagePart[] {
  if (message.role === 'tool') return NO_PARTS
  let found = resultsIn.get(messages)
  if (found === undefined) {
    found = resultsOf(messages)
    resultsIn.set(messages, found)
  }
  const calls = (message.role === 'assistant' && message.toolCalls) || []
  const results = found.get(calls) ?? []
  const known = made.get(message)
  if (known && calls.every((_, index) => known.results[index] === results[index])) return known.parts
  const { content } = message
  const said: readonly MessagePart[] =
    typeof content === 'string'
      ? content === ''
        ? NO_PARTS
        : [{ type: 'text', text: content }]
      : (content ?? NO_PARTS)
  const called = calls.map(({ id: toolCallId, name: tool, arguments: input }, index): MessagePart => {
    const call = { toolCallId, tool, input }
    const result = results[index]
    return result === undefined
      ? { ...callOf(call), state: 'interrupted' }
      : finishedTool(call, textOf(result))
  })
  const parts = called.length === 0 ? said : [...said, ...called]
  made.set(message, { results, parts })
  return parts
}

/** A call has the first result after it, before the next message that reuses its id, as some providers do. */
function resultsOf(messages: readonly Message[]): Results {
  const found = new Map<readonly ToolCall[], Result[]>()
  const open = new Map<string, [results: Result[], index: number][]>()
  for (const message of messages) {
    if (message.role === 'assistant' && message.toolCalls) {
      const results: Result[] = []
      const mine: typeof open = new Map()
      message.toolCalls.forEach(({ id }, index) => {
        if (!mine.has(id)) mine.set(id, [])
        mine.get(id)?.push([results, index])
      })
      found.set(message.toolCalls, results)
      for (const [id, calls] of mine) open.set(id, calls)
    } else if (message.role === 'tool') {
      const [results, index] = open.get(message.toolCallId)?.shift() ?? []
      if (results !== undefined && index !== undefined) results[index] = message
    }
  }
  return found
}
