import type OpenAI from 'openai'
import { fromChatFinishReason } from './messages.ts'
import type { FinishReason, ModelChunk, TokenUsage } from '../../ports/model.ts'
import { parseToolArguments } from '../provider/tool-arguments.ts'

type Delta = OpenAI.ChatCompletionChunk.Choice.Delta

/**
 * Turns chat completion chunks into the port's. Tool calls arrive in pieces and are passed on whole;
 * usage comes in a chunk of its own after the finish reason, so `finish` waits for the end of the stream.
 *
 * @throws whatever `brokenOff` makes when the stream ended before the model did.
 */
export async function* fromChatChunks(
  chunks: AsyncIterable<OpenAI.ChatCompletionChunk>,
  brokenOff: () => Error,
): AsyncGenerator<ModelChunk, void, undefined> {
  const calls = new Map<number, { id: string; name: string; arguments: string }>()
  let reason: FinishReason | undefined
  let usage: TokenUsage = { inputTokens: 0, outputTokens: 0 }

  for await (const chunk of chunks) {
    if (chunk.usage) {
      usage = { inputTokens: chunk.usage.prompt_tokens, outputTokens: chunk.usage.completion_tokens }
    }
    const choice = chunk.choices[0]
    if (choice === undefined) continue
    const reasoning = readReasoning(choice.delta)
    if (reasoning) yield { type: 'reasoning', text: reasoning }
    const text = choice.delta.content ?? choice.delta.refusal
    if (text) yield { type: 'text', text }
    for (const piece of choice.delta.tool_calls ?? []) {
      const call = calls.get(piece.index) ?? { id: '', name: '', arguments: '' }
      call.id ||= piece.id ?? ''
      call.name += piece.function?.name ?? ''
      call.arguments += piece.function?.arguments ?? ''
      calls.set(piece.index, call)
    }
    if (choice.finish_reason) reason = fromChatFinishReason(choice.finish_reason)
  }

  if (reason === undefined) throw brokenOff()
  for (const { id, name, arguments: text } of calls.values()) {
    yield {
      type: 'tool-call',
      // Some servers that only resemble OpenAI send no id; the answer to the call needs one.
      toolCall: { id: id || `call_${crypto.randomUUID()}`, name, arguments: parseToolArguments(text) },
    }
  }
  yield { type: 'finish', reason: reason === 'stop' && calls.size > 0 ? 'tool-calls' : reason, usage }
}

// OpenAI itself streams no reasoning here; DeepSeek, vLLM and LiteLLM do, in a field the SDK's types lack.
function readReasoning(delta: Delta & { reasoning_content?: unknown }): string | undefined {
  return typeof delta.reasoning_content === 'string' ? delta.reasoning_content : undefined
}
