import {
  AIMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
  isAIMessage as isMarkedAsModels,
  isHumanMessage,
  isSystemMessage,
  isToolMessage,
} from '@langchain/core/messages'
import type { BaseMessage, ChatMessage, ContentBlock, UsageMetadata } from '@langchain/core/messages'
import type { Json } from '../../contract/json.ts'
import type { AgentMessage } from '../../contract/message.ts'
import type { Part } from '../../contract/message-part.ts'
import { textOf } from '../../contract/text-of.ts'
import { parseToolArguments, toArgumentsObject } from '../../models/provider/tool-arguments.ts'
import type { TokenUsage } from '../../ports/model.ts'
import { failureText } from '../tool-results.ts'

/** A conversation as messages of LangChain. */
export function toLangChain(messages: readonly AgentMessage[]): BaseMessage[] {
  return messages.map((message) => {
    switch (message.role) {
      case 'system':
        return new SystemMessage({ ...idOf(message), content: textOf(message) })
      case 'user':
        return new HumanMessage({ ...idOf(message), ...contentOf(message.content), ...nameOf(message) })
      case 'assistant': {
        const toolCalls = (message.toolCalls ?? []).map((call) => ({
          id: call.id,
          name: call.name,
          args: toArgumentsObject(call.arguments),
          type: 'tool_call' as const,
        }))
        return new AIMessage({
          ...idOf(message),
          content: textOf(message),
          tool_calls: toolCalls,
          ...nameOf(message),
        })
      }
      case 'tool':
        return new ToolMessage({
          ...idOf(message),
          tool_call_id: message.toolCallId,
          content: textOf(message),
        })
    }
  })
}

const idOf = ({ id }: { id?: string | undefined }) => (id === undefined ? {} : { id })
const nameOf = ({ name }: { name?: string | undefined }) => (name === undefined ? {} : { name })

function contentOf(
  content: string | readonly Part[],
): { content: string } | { contentBlocks: ContentBlock.Standard[] } {
  return typeof content === 'string' ? { content } : { contentBlocks: content.flatMap(toBlock) }
}

function toBlock(part: Part): ContentBlock.Standard[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return 'text' in part ? [{ type: 'text', text: part.text }] : []
    case 'reasoning':
      return []
    case 'image':
    case 'audio':
      return [{ type: part.type, ...bytesOf(part.url) }]
    case 'file': {
      const { url, fileId = '', filename } = part
      const named = filename === undefined ? {} : { metadata: { filename } }
      return [{ type: 'file', ...(url === undefined ? { fileId } : bytesOf(url)), ...named }]
    }
  }
}

function bytesOf(url: string): { url: string } | { data: string; mimeType: string } {
  const [, mimeType, data] = /^data:([^;]+);base64,(.*)$/s.exec(url) ?? []
  return mimeType === undefined || data === undefined ? { url } : { data, mimeType }
}

/** What a graph added, as messages of a run. What it keeps for itself, such as a removal, is left out. */
export function fromLangChain(message: BaseMessage): AgentMessage[] {
  const id = idOf(message)
  const { text } = message
  if (isAIMessage(message)) {
    const toolCalls = callsOf(message)
    const content = text === '' && toolCalls.length > 0 ? null : text
    return [{ role: 'assistant', content, ...id, ...(toolCalls.length === 0 ? {} : { toolCalls }) }]
  }
  if (isToolMessage(message)) {
    const content = message.status === 'error' ? failureText(text) : text
    return [{ role: 'tool', toolCallId: message.tool_call_id, content, ...id }]
  }
  if (isHumanMessage(message)) return [{ role: 'user', content: text, ...id }]
  return isSystemMessage(message) ? [{ role: 'system', content: text, ...id }] : []
}

/** The calls of tools that a message asks for, also those whose arguments are no JSON. */
export function callsOf({ tool_calls: calls = [] }: AIMessage) {
  return calls.map(({ id = '', name, args }) => ({ id, name, arguments: args as Json }))
}

export const parseInput = (input: string): Json => parseToolArguments(input)

export function usageOf(message: AIMessage): TokenUsage | undefined {
  const usage = message.usage_metadata as UsageMetadata | undefined
  if (usage === undefined) return undefined
  const { cache_read: cacheRead, cache_creation: cacheWrite } = usage.input_token_details ?? {}
  const { reasoning } = usage.output_token_details ?? {}
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    ...(cacheRead === undefined ? {} : { cachedInputTokens: cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWriteInputTokens: cacheWrite }),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
  }
}

/** The model that answered, as its provider calls it; the one that was asked where the answer does not say. */
export function modelOf(
  { response_metadata: metadata }: AIMessage,
  asked: { provider: string; name: string },
) {
  const { model_name: name, model } = metadata as { model_name?: unknown; model?: unknown }
  return { ...asked, name: [name, model].find((each) => typeof each === 'string') ?? asked.name }
}

/** All messages in a value that a node wrote. */
export function messagesIn(value: unknown): BaseMessage[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => (isMessage(item) ? [item] : []))
  return isMessage(value) ? [value] : []
}

/** What a model said. LangChain has another kind for the answers of servers that tell no role. */
export function isAIMessage(message: BaseMessage): message is AIMessage {
  if (isMarkedAsModels(message)) return true
  return message.type === 'generic' && ['assistant', undefined].includes((message as ChatMessage).role)
}

export function isMessage(value: unknown): value is BaseMessage {
  return typeof value === 'object' && value !== null && '_getType' in value && 'content' in value
}
