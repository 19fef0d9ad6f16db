import type { Json } from '../../contract/json.ts'
import type { TokenUsage } from '../../ports/model.ts'

/** What models took, as a process is told it. */
export function usageOf(usage: TokenUsage): Json {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_input_tokens: usage.cachedInputTokens ?? 0,
    reasoning_tokens: usage.reasoningTokens ?? 0,
    cost: usage.cost ?? null,
  }
}
