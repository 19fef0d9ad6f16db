import type OpenAI from 'openai'
import type { Message } from '../../contract/message.ts'
import type { FinishReason, ToolSpec } from '../../ports/model.ts'
import { toArgumentsObject } from '../provider/tool-arguments.ts'

type ChatMessage = OpenAI.ChatCompletionMessageParam
type ChatFinishReason = OpenAI.ChatCompletionChunk.Choice['finish_reason']

export function toChatMessage(message: Message): ChatMessage {
  switch (message.role) {
    case 'system':
    case 'user':
      return { role: message.role, content: message.content }
    case 'tool':
      return { role: 'tool', tool_call_id: message.toolCallId, content: message.content }
    case 'assistant':
      return {
        role: 'assistant',
        content: message.content,
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
