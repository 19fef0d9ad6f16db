import type OpenAI from 'openai'
import { inputAudio } from '../../contract/chat-message.ts'
import type { Message } from '../../contract/message.ts'
import type { Part } from '../../contract/message-part.ts'
import { ModelError } from '../../ports/model.ts'
import type { FinishReason, ToolSpec } from '../../ports/model.ts'
import { toArgumentsObject } from '../provider/tool-arguments.ts'

type ChatMessage = OpenAI.ChatCompletionMessageParam
type ChatFinishReason = OpenAI.ChatCompletionChunk.Choice['finish_reason']

/**
 * A message as chat completions take it. What a model thought is left out: it has no place there.
 *
 * @throws ModelError for a part that they can't take.
 */
export function toChatMessage(message: Message): ChatMessage {
  const named = 'name' in message && message.name !== undefined ? { name: message.name } : {}
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content, ...named }
    case 'user':
      return {
        role: 'user',
        content: typeof message.content === 'string' ? message.content : message.content.map(toInput),
        ...named,
      }
    case 'tool':
      return {
        role: 'tool',
        tool_call_id: message.toolCallId,
        content: toTexts(message.content, "a tool's result"),
      }
    case 'assistant':
      return {
        role: 'assistant',
        content: toAnswer(message.content),
        ...named,
        ...(message.toolCalls === undefined || message.toolCalls.length === 0
          ? {}
          : {
              tool_calls: message.toolCalls.map((call) => ({
                id: call.id,
                type: 'function' as const,
                function: { name: call.name, arguments: JSON.stringify(toArgumentsObject(call.arguments)) },
              })),
            }),
      }
  }
}

function toInput(part: Part): OpenAI.ChatCompletionContentPart {
  switch (part.type) {
    case 'text':
      return part
    case 'image': {
      const { url, detail } = part
      return { type: 'image_url', image_url: { url, ...(detail !== undefined && { detail }) } }
    }
    case 'audio': {
      const audio = inputAudio(part.url)
      if (audio === undefined) throw unfit('audio but WAV and MP3', 'one of these in a data URL')
      return { type: 'input_audio', input_audio: audio }
    }
    case 'file': {
      const { url, fileId, filename } = part
      if (url?.startsWith('http')) throw unfit('file by its URL', 'its bytes in a data URL')
      return {
        type: 'file',
        file: {
          ...(url !== undefined && { file_data: url }),
          ...(fileId !== undefined && { file_id: fileId }),
          ...(filename !== undefined && { filename }),
        },
      }
    }
    case 'refusal':
    case 'reasoning':
      throw unfit(`part of type "${part.type}" in a user's message`, 'text')
  }
}

type Answer = Exclude<OpenAI.ChatCompletionAssistantMessageParam['content'], undefined>

function toAnswer(content: string | readonly Part[] | null): Answer {
  if (content === null || typeof content === 'string') return content
  const said = content.filter((part) => part.type !== 'reasoning')
  return said.length === 0
    ? null
    : said.map((part) =>
        part.type === 'refusal'
          ? { type: 'refusal', refusal: part.text }
          : toText(part, "an assistant's message"),
      )
}

function toTexts(
  content: string | readonly Part[],
  where: string,
): string | OpenAI.ChatCompletionContentPartText[] {
  return typeof content === 'string' ? content : content.map((part) => toText(part, where))
}

function toText(part: Part, where: string): OpenAI.ChatCompletionContentPartText {
  if (part.type === 'text') return part
  throw unfit(`part of type "${part.type}" in ${where}`, 'text')
}

function unfit(what: string, instead: string): ModelError {
  return new ModelError(`OpenAI's chat completions take no ${what}: give ${instead}.`, {
    retriable: false,
  })
}

export function toChatTool({ name, description, parameters }: ToolSpec): OpenAI.ChatCompletionFunctionTool {
  return { type: 'function', function: { name, description, parameters } }
}

export function fromChatFinishReason(reason: NonNullable<ChatFinishReason>): FinishReason {
  switch (reason) {
    case 'stop':
      return 'stop'
    case 'tool_calls':
    case 'function_call':
      return 'tool-calls'
    case 'length':
      return 'length'
    case 'content_filter':
      return 'content-filter'
    // Servers that only resemble OpenAI have reasons of their own.
    default:
      return 'stop'
  }
}
