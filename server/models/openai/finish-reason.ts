import type { FinishReason } from '../../ports/model.ts'

/** OpenAI's, and those that other servers hand through from the models behind them. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  end_turn: 'stop',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  tool_use: 'tool-calls',
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  model_context_window_exceeded: 'length',
  content_filter: 'content-filter',
  refusal: 'content-filter',
  safety: 'content-filter',
  recitation: 'content-filter',
  blocklist: 'content-filter',
  prohibited_content: 'content-filter',
  sensitive: 'content-filter',
}

/** Why the answer ended. An unknown reason, or none, counts as a normal end. */
export function fromChatFinishReason(reason: string | undefined): FinishReason {
  return REASONS[reason?.toLowerCase() ?? 'stop'] ?? 'stop'
}

const FAILURES: ReadonlySet<string> = new Set(['error', 'failed', 'network_error', 'malformed_function_call'])

/** Whether the reason says that there is no answer. */
export function isFailure(reason: string): boolean {
  return FAILURES.has(reason.toLowerCase())
}
