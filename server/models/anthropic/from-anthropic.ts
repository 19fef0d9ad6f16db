import type Anthropic from '@anthropic-ai/sdk'
import type { Json } from '../../contract/json.ts'
import type { AgentMessage, ToolCall } from '../../contract/message.ts'
import type { Part, TextPart } from '../../contract/message-part.ts'
import { textOf } from '../../contract/text-of.ts'
import { PROVIDER } from './messages.ts'

/** A message of Anthropic's SDK. Its blocks are not typed here, so that an app's types need no SDK. */
export interface AnthropicMessage {
  role: 'user' | 'assistant' | 'system'
  content: string | readonly object[]
}

/**
 * A conversation that was held with Anthropic, as the runtime has it. System messages come first, and a turn of the user's with
 * results of tools becomes several messages. What only Anthropic can read, signed thinking for example, is kept as it is, and goes
 * back to it.
 *
 * @throws TypeError for a block that a message has no place for.
 * @example
 * fromAnthropicMessages([{ role: 'user', content: 'Hello' }], { system: 'Be brief.' })
 */
export function fromAnthropicMessages(
  messages: readonly AnthropicMessage[],
  { system }: { system?: string | readonly TextPart[] } = {},
): AgentMessage[] {
  const instructions = typeof system === 'string' ? system : system && textOf(system)
  return [
    ...(instructions === undefined ? [] : [{ role: 'system' as const, content: instructions }]),
    ...messages.flatMap(({ role, content }): AgentMessage[] => {
      if (typeof content === 'string') return [{ role, content }]
      const blocks = content as readonly Anthropic.ContentBlockParam[]
      if (role === 'assistant') return [fromAnswer(blocks)]
      return role === 'system'
        ? [{ role, content: textOf(content as readonly TextPart[]) }]
        : fromUserTurn(blocks)
    }),
  ]
}

function fromAnswer(blocks: readonly Anthropic.ContentBlockParam[]): AgentMessage {
  const parts: Part[] = []
  const toolCalls: ToolCall[] = []
  let isTheirs = false
  for (const block of blocks) {
    if (block.type === 'text') parts.push({ type: 'text', text: block.text })
    else if (block.type === 'tool_use')
      toolCalls.push({ id: block.id, name: block.name, arguments: block.input as Json })
    else isTheirs = true
  }
  return {
    role: 'assistant',
    content: parts.length === 0 ? null : asText(parts),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(isTheirs && {
      providerData: {
        provider: PROVIDER,
        toolCallIds: toolCalls.map(({ id }) => id),
        data: JSON.stringify(blocks),
      },
    }),
  }
}

/** Results of tools, and what the user said before, between and after them, each a message. */
function fromUserTurn(blocks: readonly Anthropic.ContentBlockParam[]): AgentMessage[] {
  const messages: AgentMessage[] = []
  let said: Part[] = []
  const endMessage = () => {
    if (said.length > 0) messages.push({ role: 'user', content: asText(said) } as AgentMessage)
    said = []
  }
  for (const block of blocks) {
    if (block.type !== 'tool_result') {
      said.push(fromInput(block))
      continue
    }
    endMessage()
    const { tool_use_id: toolCallId, content = '' } = block
    const parts = typeof content === 'string' ? content : asText(content.map(fromInput))
    messages.push({ role: 'tool', toolCallId, content: parts } as AgentMessage)
  }
  endMessage()
  return messages
}

function fromInput(block: { type: string }): Part {
  const known = block as Anthropic.TextBlockParam | Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam
  switch (known.type) {
    case 'text':
      return { type: 'text', text: known.text }
    case 'image':
      return { type: 'image', url: toUrl(known.source) }
    case 'document':
      return {
        type: 'file',
        ...(known.source.type === 'file' ? { fileId: known.source.file_id } : { url: toUrl(known.source) }),
        ...(typeof known.title === 'string' && { filename: known.title }),
      }
    default:
      throw new TypeError(
        `fromAnthropicMessages: a message has no place for a block of type "${block.type}".`,
      )
  }
}

function toUrl(source: Anthropic.ImageBlockParam['source'] | Anthropic.DocumentBlockParam['source']): string {
  switch (source.type) {
    case 'url':
      return source.url
    case 'base64':
      return `data:${source.media_type};base64,${source.data}`
    case 'text':
      return `data:text/plain;base64,${Buffer.from(source.data).toString('base64')}`
    default:
      throw new TypeError(
        `fromAnthropicMessages: a message has no place for a source of type "${source.type}".`,
      )
  }
}

/** One text is a string, as the runtime writes it. */
function asText(parts: Part[]): string | Part[] {
  const [first] = parts
  return parts.length === 1 && first?.type === 'text' ? first.text : parts
}
