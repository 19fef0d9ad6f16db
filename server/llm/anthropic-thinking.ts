import type Anthropic from '@anthropic-ai/sdk'
import type { Message } from '../contract/message.ts'

type Block = Anthropic.ContentBlockParam

/**
 * Remembers the assistant turns that thought before they called tools. Anthropic wants such a turn back
 * exactly as it came, signatures included, along with the tools' results; the neutral messages have no
 * room for that. It is wanted only until the turn is over, which is while one run is in one process, so
 * memory is enough, and the oldest turns are forgotten.
 */
export function createThinkingMemory(maxTurns = 500): {
  remember(blocks: Block[]): void
  recall(message: Message): Block[] | undefined
} {
  const turns = new Map<string, Block[]>()
  return {
    remember(blocks) {
      if (!blocks.some(isThinking)) return
      const call = blocks.find((block) => block.type === 'tool_use')
      if (call === undefined) return
      turns.set(call.id, blocks.filter(isSendable))
      const oldest = turns.keys().next().value
      if (turns.size > maxTurns && oldest !== undefined) turns.delete(oldest)
    },
    recall(message) {
      const call = message.role === 'assistant' ? message.toolCalls?.[0] : undefined
      return call === undefined ? undefined : turns.get(call.id)
    },
  }
}

function isThinking(block: Block): boolean {
  return block.type === 'thinking' || block.type === 'redacted_thinking'
}

function isSendable(block: Block): boolean {
  return block.type !== 'text' || block.text.trim() !== ''
}
