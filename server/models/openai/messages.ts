import type OpenAI from 'openai'
import { type WrittenChatMessage, toChatMessage as writeChatMessage } from '../../contract/chat-message.ts'
import { inputAudio } from '../../contract/chat-part.ts'
import type { Json } from '../../contract/json.ts'
import type { Message } from '../../contract/message.ts'
import type { Part } from '../../contract/message-part.ts'
import { ModelError } from '../../ports/model.ts'
import type { ToolChoice, ToolSpec } from '../../ports/model.ts'
import { toArgumentsObject } from '../provider/tool-arguments.ts'
import { ChatData } from './chat-data.ts'

/**
 * A message as a server of chat completions takes it: without what a model thought, but for what the server itself wants back.
 *
 * @param data what was stored with the message, if it came from such a server.
 * @throws ModelError for a part that they can't take.
 */
export function toChatMessage(
  message: Message,
  { data, server }: { data?: Json | undefined; server?: string } = {},
): OpenAI.ChatCompletionMessageParam {
  const parts = Array.isArray(message.content) ? (message.content as readonly Part[]) : []
  for (const part of parts) assertFit(part, message.role)
  const written = writeChatMessage(sendable(message))
  const known = ChatData.safeParse(data)
  const returned = known.success && known.data.server === server ? withData(written, known.data) : written
  // What it says is checked above; how it says it is what the SDK's types are about.
  return returned as OpenAI.ChatCompletionMessageParam
}

/** Thoughts have no place there, and arguments are an object. */
function sendable(message: Message): Message {
  if (message.role !== 'assistant') return message
  const { content, toolCalls } = message
  const said = Array.isArray(content) ? content.filter(({ type }) => type !== 'reasoning') : content
  return {
    ...message,
    content: Array.isArray(said) && said.length === 0 ? null : said,
    ...(toolCalls === undefined
      ? {}
      : { toolCalls: toolCalls.map((call) => ({ ...call, arguments: toArgumentsObject(call.arguments) })) }),
  }
}

function withData(message: WrittenChatMessage, { message: fields, calls }: ChatData): object {
  if (message.role !== 'assistant') return message
  const { tool_calls } = message
  return {
    ...message,
    ...fields,
    ...(tool_calls && {
      tool_calls: tool_calls.map((call, index) => {
        const { arguments: text = call.function.arguments, rest = {} } = calls[index] ?? {}
        return { ...call, ...rest, function: { name: call.function.name, arguments: text } }
      }),
    }),
  }
}

function assertFit(part: Part, role: Message['role']): void {
  const where = role === 'tool' ? "a tool's result" : `${role === 'assistant' ? 'an' : 'a'} ${role}'s message`
  switch (part.type) {
    case 'text':
      return
    case 'refusal':
    case 'reasoning':
      if (role !== 'assistant') throw unfit(`part of type "${part.type}" in ${where}`, 'text')
      return
    case 'image':
    case 'audio':
    case 'file':
      if (role !== 'user') throw unfit(`part of type "${part.type}" in ${where}`, 'text')
  }
  if (part.type === 'audio' && inputAudio(part.url) === undefined) {
    throw unfit('audio but WAV and MP3', 'one of these in a data URL')
  }
  if (part.type === 'file' && part.url?.startsWith('http')) {
    throw unfit('file by its URL', 'its bytes in a data URL')
  }
}

function unfit(what: string, instead: string): ModelError {
  return new ModelError(`OpenAI's chat completions take no ${what}: give ${instead}.`, {
    code: 'invalid_request',
    retriable: false,
  })
}

export function toChatTool({ name, description, parameters }: ToolSpec): OpenAI.ChatCompletionFunctionTool {
  return { type: 'function', function: { name, description, parameters } }
}

export function toChatChoice(choice: ToolChoice | undefined): object {
  if (choice === undefined) return {}
  return {
    tool_choice: typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.tool } },
  }
}
