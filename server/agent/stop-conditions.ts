import type { ToolCall } from '../contract/message.ts'
import type { FinishReason, TokenUsage } from '../ports/model.ts'
import type { ToolMessage } from './run-tool-calls.ts'

/** A turn of the model that is over, with what its tools answered. */
export interface LoopStep {
  /** From 1. */
  readonly step: number
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  /** In the order of the calls. */
  readonly toolResults: readonly ToolMessage[]
  readonly finishReason: FinishReason
  readonly usage: TokenUsage
}

export interface StopQuestion {
  /** The turns so far, the newest last. */
  readonly steps: readonly LoopStep[]
  /** Over all model calls so far. */
  readonly usage: TokenUsage
}

/** Whether a loop ends that would go on. It is asked after the tools of a turn were run. */
export type StopCondition = (question: StopQuestion) => Promise<boolean> | boolean

/**
 * Ends a loop once the model has called one of these tools, and it was run.
 *
 * @example
 * const reply = await toolLoop(ctx, { tools: [search, finish], stopWhen: hasToolCall('finish') })
 */
export function hasToolCall(...names: [string, ...string[]]): StopCondition {
  return ({ steps }) => steps.at(-1)?.toolCalls.some(({ name }) => names.includes(name)) === true
}

/**
 * Ends a loop once its model calls have taken so many tokens, requests and answers together.
 *
 * @example
 * const reply = await toolLoop(ctx, { tools, stopWhen: [hasUsedTokens(50_000), hasToolCall('finish')] })
 */
export function hasUsedTokens(tokens: number): StopCondition {
  return ({ usage }) => usage.inputTokens + usage.outputTokens >= tokens
}
