import type Anthropic from '@anthropic-ai/sdk'
import type { Message } from '../../contract/message.ts'
import type { FilePart, Part } from '../../contract/message-part.ts'
import { textOf } from '../../contract/text-of.ts'
import { ModelError } from '../../ports/model.ts'
import type { FinishReason, ToolSpec } from '../../ports/model.ts'
import { toArgumentsObject } from '../provider/tool-arguments.ts'

export const PROVIDER = 'anthropic'

export type Block = Anthropic.ContentBlockParam
type Turn = { role: 'user' | 'assistant'; content: Block[] }

export interface AnthropicPrompt {
  system: string | undefined
  messages: Turn[]
}

/**
 * A conversation as Anthropic wants it: system messages apart, and turns that alternate. Results of
 * parallel tool calls, and what the user says after them, belong into one user turn.
 *
 * `recall` gives the exact blocks of an assistant turn that must go back unchanged, if it must.
 */
export function toAnthropicPrompt(
  messages: readonly Message[],
  recall: (message: Message) => Block[] | undefined = () => undefined,
): AnthropicPrompt {
  const system = messages.flatMap((message) => (message.role === 'system' ? [textOf(message)] : []))
  const turns: Turn[] = []
  for (const message of messages) {
    const content = recall(message) ?? toBlocks(message)
    if (content.length === 0) continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...content)
    else turns.push({ role, content: [...content] })
  }
  return { system: system.length === 0 ? undefined : system.join('\n\n'), messages: turns }
}

function toBlocks(message: Message): Block[] {
  switch (message.role) {
    case 'system':
      return []
    case 'user':
      return toParts(message.content)
    case 'tool':
      return [{ type: 'tool_result', tool_use_id: message.toolCallId, content: toResult(message.content) }]
    case 'assistant':
      return [
        ...toParts(message.content ?? ''),
        ...(message.toolCalls ?? []).map((call): Block => ({
          type: 'tool_use',
          id: call.id,
          name: call.name,
          input: toArgumentsObject(call.arguments),
        })),
      ]
  }
}

type InputBlock = Anthropic.TextBlockParam | Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam

function toResult(content: string | readonly Part[]): string | InputBlock[] {
  if (typeof content === 'string') return content
  const parts = toParts(content)
  return parts.length === 0 ? '' : parts
}

function toParts(content: string | readonly Part[]): InputBlock[] {
  return typeof content === 'string' ? toText(content) : content.flatMap(toPart)
}

/** What a model thought is left out: only what came from Anthropic may go back, and that goes unchanged. */
function toPart(part: Part): InputBlock[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return toText(part.text)
    case 'reasoning':
      return []
    case 'image':
      return [{ type: 'image', source: toSource(part.url) as Anthropic.ImageBlockParam['source'] }]
    case 'file': {
      const title = part.filename === undefined ? {} : { title: part.filename }
      return [{ type: 'document', source: toDocument(part), ...title }]
    }
    case 'audio':
      throw unfit('audio', 'a transcript')
  }
}

interface Bytes {
  type: 'base64'
  media_type: string
  data: string
}

function toSource(url: string): Bytes | { type: 'url'; url: string } {
  const [, media_type, data] = /^data:([^;]+);base64,(.*)$/s.exec(url) ?? []
  return media_type === undefined || data === undefined
    ? { type: 'url', url }
    : { type: 'base64', media_type, data }
}

function toDocument({ url, fileId = '' }: FilePart): Anthropic.DocumentBlockParam['source'] {
  if (url === undefined) return { type: 'file', file_id: fileId }
  const source = toSource(url)
  if (source.type === 'url') return source
  if (source.media_type === 'application/pdf') return { ...source, media_type: source.media_type }
  if (source.media_type.startsWith('text/')) {
    return {
      type: 'text',
      media_type: 'text/plain',
      data: Buffer.from(source.data, 'base64').toString('utf8'),
    }
  }
  throw unfit(`files of type ${source.media_type}`, 'a PDF or text')
}

// Text blocks without text are refused.
function toText(text: string): Anthropic.TextBlockParam[] {
  return text.trim() === '' ? [] : [{ type: 'text', text }]
}

function unfit(what: string, instead: string): ModelError {
  return new ModelError(`Anthropic takes no ${what}: give ${instead}.`, { retriable: false })
}

export function toAnthropicTool({ name, description, parameters }: ToolSpec): Anthropic.Tool {
  return { name, description, input_schema: { ...parameters, type: 'object' } }
}

const REASONS: Readonly<Record<string, FinishReason>> = {
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  refusal: 'content-filter',
  pause_turn: 'paused',
}

/** Why the answer ended; a reason that nobody knows, or none, is an end like others. */
export function fromStopReason(reason: string | undefined): FinishReason {
  return REASONS[reason ?? 'end_turn'] ?? 'stop'
}
