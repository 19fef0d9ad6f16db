import type { AgentInputItem, RunItem } from '@openai/agents'
import type { AgentMessage, ToolCall } from '../../contract/message.ts'
import type { Part } from '../../contract/message-part.ts'
import { textOf } from '../../contract/text-of.ts'
import { parseToolArguments, toArgumentsObject } from '../../models/provider/tool-arguments.ts'
import { failureText, isToolFailure, toTold } from '../tool-results.ts'
import { isOtherFailure } from './tool-failure-text.ts'

/** A conversation as items of the SDK. */
export function toItems(messages: readonly AgentMessage[]): AgentInputItem[] {
  /** Of the calls so far, since results are told with their tool. */
  const names = new Map<string, string>()
  return messages.flatMap((message): AgentInputItem[] => {
    switch (message.role) {
      case 'system':
        return [{ role: 'system', content: textOf(message) }]
      case 'user':
        return [{ role: 'user', content: userContent(message.content) }]
      case 'assistant': {
        const { toolCalls = [] } = message
        for (const { id, name } of toolCalls) names.set(id, name)
        const text = textOf(message)
        return [
          ...(text === '' ? [] : [saying(text)]),
          ...toolCalls.map(({ id: callId, name, arguments: args }): AgentInputItem => ({
            type: 'function_call',
            callId,
            name,
            arguments: JSON.stringify(toArgumentsObject(args)),
            status: 'completed',
          })),
        ]
      }
      case 'tool': {
        const { toolCallId: callId } = message
        const output = { type: 'text' as const, text: textOf(message) }
        const name = names.get(callId) ?? 'tool'
        return [{ type: 'function_call_result', callId, name, status: 'completed', output }]
      }
    }
  })
}

const saying = (text: string): AgentInputItem => ({
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text }],
})

type UserContent = Extract<AgentInputItem, { role: 'user' }>['content']

function userContent(content: string | readonly Part[]): UserContent {
  if (typeof content === 'string') return content
  return content.flatMap((part): Exclude<UserContent, string> => {
    switch (part.type) {
      case 'text':
        return [{ type: 'input_text', text: part.text }]
      case 'image':
        return [{ type: 'input_image', image: part.url, ...(part.detail && { detail: part.detail }) }]
      case 'audio':
        return [{ type: 'audio', audio: part.url }]
      case 'file': {
        const { url, fileId, filename } = part
        const named = filename === undefined ? {} : { filename }
        return [{ type: 'input_file', file: url ?? { id: fileId ?? '' }, ...named }]
      }
      case 'reasoning':
      case 'refusal':
        return []
    }
  })
}

/** A provider without ids of its own has the SDK use this one for all. */
const NO_ID = 'FAKE_ID'

export const idOf = (item: { id?: string | undefined }): string | undefined =>
  item.id === NO_ID || item.id === '' ? undefined : item.id

/** An item of the SDK, as far as it is read here. */
export interface Item {
  type?: string | undefined
  role?: string | undefined
  id?: string | undefined
  callId?: string | undefined
  name?: string | undefined
  arguments?: unknown
  content?: unknown
  output?: unknown
}

export function callOf(item: Item): ToolCall | undefined {
  const { type, callId: id, name, arguments: args } = item
  if (type !== 'function_call' || id === undefined || name === undefined || typeof args !== 'string')
    return undefined
  return { id, name, arguments: parseToolArguments(args) }
}

interface ItemResult {
  toolCallId: string
  tool: string
  text: string
  isError: boolean
}

/** @param failure what the SDK says of a tool that failed */
export function resultOf(item: Item, failure: unknown): ItemResult | undefined {
  const { type, callId: toolCallId, name: tool = '', output } = item
  if (type !== 'function_call_result' || toolCallId === undefined) return undefined
  const text = outputText(output)
  const isError = text === failure || isOtherFailure(text) || isToolFailure(toTold(text))
  return { toolCallId, tool, text: isError ? failureText(text) : text, isError }
}

function outputText(output: unknown): string {
  if (typeof output === 'string') return output
  const { text } = Object(output) as { text?: unknown }
  if (typeof text === 'string') return text
  return JSON.stringify(toTold(output))
}

/** What the assistant says in an item; undefined where it is another kind of item. */
export function saidIn({ type, role, content }: Item): string | undefined {
  if (role !== 'assistant' || (type !== undefined && type !== 'message') || !Array.isArray(content))
    return undefined
  return content
    .map((part: { type?: unknown; text?: unknown; refusal?: unknown }) => {
      const said = part.type === 'refusal' ? part.refusal : part.text
      return typeof said === 'string' ? said : ''
    })
    .join('')
}

/** What agents added, as messages of a run: text and the calls that follow it are one message. */
export function fromItems(
  items: readonly RunItem[],
  { messageIdOf, failure }: { messageIdOf: (item: Item) => string | undefined; failure: unknown },
): AgentMessage[] {
  const messages: AgentMessage[] = []
  const used = new Set<string>()
  function named(id: string | undefined): { id?: string } {
    if (id === undefined || used.has(id)) return {}
    used.add(id)
    return { id }
  }
  for (const { rawItem } of items) {
    const item = Object(rawItem) as Item
    const said = saidIn(item)
    const call = callOf(item)
    const result = resultOf(item, failure)
    const last = messages.at(-1)
    if (said !== undefined) {
      messages.push({ role: 'assistant', content: said, ...named(messageIdOf(item)) })
    } else if (call !== undefined) {
      const id = messageIdOf(item)
      if (last?.role === 'assistant') last.toolCalls = [...(last.toolCalls ?? []), call]
      else messages.push({ role: 'assistant', content: null, toolCalls: [call], ...named(id) })
    } else if (result !== undefined) {
      messages.push({ role: 'tool', toolCallId: result.toolCallId, content: result.text })
    }
  }
  return messages
}
