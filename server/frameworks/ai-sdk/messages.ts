// Messages as the AI SDK has them. Nothing of the SDK is imported, so that no version of it is in the package's types.
import type { Json } from '../../contract/json.ts'
import type { AgentMessage, ToolCall } from '../../contract/message.ts'
import type { Part } from '../../contract/message-part.ts'
import { textOf } from '../../contract/text-of.ts'
import { toArgumentsObject } from '../../models/provider/tool-arguments.ts'
import { failureText, toTold } from '../tool-results.ts'

interface TextPart {
  type: 'text'
  text: string
}

type UserPart = TextPart | { type: 'file'; data: string | URL; mediaType: string; filename?: string }

interface CallPart {
  type: 'tool-call'
  toolCallId: string
  toolName: string
  input: unknown
}

interface ResultPart {
  type: 'tool-result'
  toolCallId: string
  toolName: string
  output: { type: 'text'; value: string }
}

interface ApprovalPart {
  type: 'tool-approval-response'
  approvalId: string
  approved: boolean
  reason?: string
}

/** Assignable to the SDK's `ModelMessage`. */
export type AISDKMessage =
  | { role: 'system'; content: string }
  | {
      role: 'user'
      content: string | UserPart[]
    }
  | { role: 'assistant'; content: (TextPart | CallPart)[] }
  | { role: 'tool'; content: (ResultPart | ApprovalPart)[] }

export function toAISDK(messages: readonly AgentMessage[]): AISDKMessage[] {
  /** Of the calls so far, since results are told with their tool. */
  const names = new Map<string, string>()
  return messages.flatMap((message): AISDKMessage[] => {
    switch (message.role) {
      case 'system':
        return [{ role: 'system', content: textOf(message) }]
      case 'user':
        return [{ role: 'user', content: userContent(message.content) }]
      case 'assistant': {
        const { toolCalls = [] } = message
        for (const { id, name } of toolCalls) names.set(id, name)
        const text = textOf(message)
        const content = [
          ...(text === '' ? [] : [{ type: 'text' as const, text }]),
          ...toolCalls.map(toCallPart),
        ]
        return content.length === 0 ? [] : [{ role: 'assistant', content }]
      }
      case 'tool': {
        const { toolCallId } = message
        const toolName = names.get(toolCallId) ?? 'tool'
        const output = { type: 'text' as const, value: textOf(message) }
        return [{ role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName, output }] }]
      }
    }
  })
}

const toCallPart = ({ id: toolCallId, name: toolName, arguments: args }: ToolCall): CallPart => ({
  type: 'tool-call',
  toolCallId,
  toolName,
  input: toArgumentsObject(args),
})

function userContent(content: string | readonly Part[]): Extract<AISDKMessage, { role: 'user' }>['content'] {
  if (typeof content === 'string') return content
  return content.flatMap((part): UserPart[] => {
    switch (part.type) {
      case 'text':
        return [{ type: part.type, text: part.text }]
      case 'image':
      case 'audio':
        return [toFile(part.url, `${part.type}/*`)]
      case 'file': {
        const { url, filename } = part
        // A provider's own id of a file is of no other provider.
        if (url === undefined) return []
        return [
          { ...toFile(url, 'application/octet-stream'), ...(filename === undefined ? {} : { filename }) },
        ]
      }
      case 'reasoning':
      case 'refusal':
        return []
    }
  })
}

function toFile(url: string, otherwise: string) {
  const [, mediaType, data] = /^data:([^;]+);base64,(.*)$/s.exec(url) ?? []
  if (mediaType !== undefined && data !== undefined) return { type: 'file' as const, data, mediaType }
  return { type: 'file' as const, data: new URL(url), mediaType: otherwise }
}

/** What is read of a message that the SDK made. */
interface Said {
  role?: unknown
  content?: unknown
}

/** What was added, as messages of a run. @param idOf the id under which a text was told. */
export function fromAISDK(
  messages: readonly unknown[],
  idOf: (text: string) => string | undefined,
): AgentMessage[] {
  return messages.flatMap((message): AgentMessage[] => {
    const { role, content } = Object(message) as Said
    const parts = partsOf(content)
    if (role === 'tool') return parts.flatMap(toResult)
    if (role !== 'assistant') return []
    const text = parts.map((part) => (part['type'] === 'text' ? String(part['text']) : '')).join('')
    const toolCalls = parts.flatMap(toCall)
    if (text === '' && toolCalls.length === 0) return []
    const id = idOf(text)
    return [
      {
        role: 'assistant',
        content: text === '' ? null : text,
        ...(toolCalls.length === 0 ? {} : { toolCalls }),
        ...(id === undefined ? {} : { id }),
      },
    ]
  })
}

function partsOf(content: unknown): Record<string, unknown>[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return Array.isArray(content) ? content.map((part: unknown) => Object(part) as Record<string, unknown>) : []
}

function toCall({
  type,
  toolCallId,
  toolName,
  input,
  providerExecuted,
}: Record<string, unknown>): ToolCall[] {
  if (type !== 'tool-call' || providerExecuted === true) return []
  return [{ id: String(toolCallId), name: String(toolName), arguments: (input ?? {}) as Json }]
}

function toResult({ type, toolCallId, output }: Record<string, unknown>): AgentMessage[] {
  if (type !== 'tool-result') return []
  return [{ role: 'tool', toolCallId: String(toolCallId), content: outputText(output) }]
}

function outputText(output: unknown): string {
  const { type, value, reason } = Object(output) as { type?: unknown; value?: unknown; reason?: unknown }
  if (type === 'execution-denied') return failureText(reason ?? 'The call was denied.')
  if (type === 'error-text' || type === 'error-json') return failureText(value)
  const told = toTold(value ?? output)
  return typeof told === 'string' ? told : JSON.stringify(told)
}
