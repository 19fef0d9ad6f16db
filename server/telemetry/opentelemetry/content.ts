// What is said, in the form of the conventions' gen_ai.input.messages and gen_ai.output.messages.
import type { AgentMessage } from '../../contract/message.ts'
import type { Part } from '../../contract/message-part.ts'
import type { Json } from '../../contract/json.ts'
import { textOf } from '../../contract/text-of.ts'

/** More of one value no tracing system takes well. */
const MAX_CHARACTERS = 32_000

export function systemInstructions(messages: readonly AgentMessage[]): Json {
  return messages
    .filter(({ role }) => role === 'system')
    .map(({ content }) => ({ type: 'text', content: textOf(content) }))
}

export function inputMessages(messages: readonly AgentMessage[]): Json {
  return messages.flatMap((message) =>
    message.role === 'system' ? [] : [{ role: message.role, parts: partsOf(message) }],
  )
}

export function outputMessages(output: Json, finishReason: string | undefined): Json {
  const content = typeof output === 'string' ? output : JSON.stringify(output)
  return [{ role: 'assistant', parts: [{ type: 'text', content }], finish_reason: finishReason ?? 'stop' }]
}

function partsOf(message: AgentMessage): Json[] {
  if (message.role === 'tool') {
    return [{ type: 'tool_call_response', id: message.toolCallId, response: textOf(message) }]
  }
  const said =
    typeof message.content === 'string' ? [{ type: 'text' as const, text: message.content }] : message.content
  const calls = message.role === 'assistant' ? (message.toolCalls ?? []) : []
  return [
    ...(said ?? []).map(toPart),
    ...calls.map(({ id, name, arguments: args }) => ({ type: 'tool_call', id, name, arguments: args })),
  ]
}

/** Bytes are left out: a trace says that there was a picture, not what was on it. */
function toPart(part: Part): Json {
  return part.type === 'text' || part.type === 'reasoning' || part.type === 'refusal'
    ? { type: part.type, content: part.text }
    : { type: part.type }
}

/** As an attribute holds it: JSON text, cut where it is too long. */
export function asText(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS).toWellFormed()} …`
}
