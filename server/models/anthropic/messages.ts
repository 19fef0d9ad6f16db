import type Anthropic from '@anthropic-ai/sdk'
import type { Message } from '../../contract/message.ts'
import type { FinishReason, ToolSpec } from '../../ports/model.ts'
import { toArgumentsObject } from '../provider/tool-arguments.ts'

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
  const system = messages.flatMap((message) => (message.role === 'system' ? [message.content] : []))
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
      return toText(message.content)
    case 'tool':
      return [{ type: 'tool_result', tool_use_id: message.toolCallId, content: message.content }]
    case 'assistant':
      return [
        ...toText(message.content ?? ''),
        ...(message.toolCalls ?? []).map((call): Block => ({
          type: 'tool_use',
          id: call.id,
          name: call.name,
          input: toArgumentsObject(call.arguments),
        })),
      ]
  }
}

// Text blocks without text are refused.
function toText(text: string): Block[] {
  return text.trim() === '' ? [] : [{ type: 'text', text }]
}

export function toAnthropicTool({ name, description, parameters }: ToolSpec): Anthropic.Tool {
  return { name, description, input_schema: { ...parameters, type: 'object' } }
}

export function fromStopReason(reason: Anthropic.StopReason): FinishReason {
  switch (reason) {
    case 'tool_use':
      return 'tool-calls'
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length'
    case 'refusal':
      return 'content-filter'
    case 'end_turn':
    case 'stop_sequence':
    case 'pause_turn':
      return 'stop'
    default:
      return 'stop'
  }
}
