import type Anthropic from '@anthropic-ai/sdk'
import type { Json } from '../../contract/json.ts'
import { fromStopReason } from './messages.ts'
import type { ModelChunk, TokenUsage } from '../../ports/model.ts'
import { parseToolArguments, toArgumentsObject } from '../provider/tool-arguments.ts'

type Block = Anthropic.ContentBlockParam

/**
 * Turns the events of one streamed message into the port's chunks. A tool call is passed on when its
 * block is complete. A turn that thought before it called tools has to be sent back as it came, signatures
 * included, along with the tools' results: its blocks go with `finish`.
 *
 * @throws whatever `brokenOff` makes when the stream ended before the message did.
 */
export async function* fromMessageEvents(
  events: AsyncIterable<Anthropic.RawMessageStreamEvent>,
  brokenOff: () => Error,
): AsyncGenerator<ModelChunk, void, undefined> {
  const blocks: Block[] = []
  const usage: TokenUsage = { inputTokens: 0, outputTokens: 0 }
  let block: Block | undefined
  let inputJson = ''
  let stopReason: Anthropic.StopReason | null = null

  for await (const event of events) {
    switch (event.type) {
      case 'message_start':
        usage.inputTokens = countInput(event.message.usage)
        usage.outputTokens = event.message.usage.output_tokens
        break
      case 'content_block_start':
        block = structuredClone(event.content_block) as Block
        inputJson = ''
        if (block.type === 'text' && block.text !== '') yield { type: 'text', text: block.text }
        break
      case 'content_block_delta': {
        const { delta } = event
        if (delta.type === 'input_json_delta') inputJson += delta.partial_json
        if (block?.type === 'text' && delta.type === 'text_delta') {
          block.text += delta.text
          yield { type: 'text', text: delta.text }
        }
        if (block?.type === 'thinking' && delta.type === 'thinking_delta') {
          block.thinking += delta.thinking
          yield { type: 'reasoning', text: delta.thinking }
        }
        if (block?.type === 'thinking' && delta.type === 'signature_delta') block.signature = delta.signature
        break
      }
      case 'content_block_stop':
        if (block === undefined) break
        if (block.type === 'tool_use') {
          const parsed = parseToolArguments(inputJson)
          block.input = toArgumentsObject(parsed)
          yield { type: 'tool-call', toolCall: { id: block.id, name: block.name, arguments: parsed } }
        }
        blocks.push(block)
        block = undefined
        break
      case 'message_delta':
        stopReason = event.delta.stop_reason
        usage.outputTokens = event.usage.output_tokens
        break
      case 'message_stop':
        break
    }
  }

  if (stopReason === null) throw brokenOff()
  const mustReturn = blocks.some(isThinking) && blocks.some(({ type }) => type === 'tool_use')
  yield {
    type: 'finish',
    reason: fromStopReason(stopReason),
    usage,
    // Blocks are parsed JSON, whatever their types say.
    ...(mustReturn ? { providerData: blocks.filter(isSendable) as unknown as Json } : {}),
  }
}

function isThinking({ type }: Block): boolean {
  return type === 'thinking' || type === 'redacted_thinking'
}

function isSendable(block: Block): boolean {
  return block.type !== 'text' || block.text.trim() !== ''
}

// What was read from or written to the prompt cache is not in `input_tokens`.
function countInput(usage: Anthropic.Usage): number {
  return usage.input_tokens + (usage.cache_creation_input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0)
}
