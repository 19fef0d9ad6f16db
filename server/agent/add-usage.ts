import type { TokenUsage } from '../ports/model.ts'

const COUNTS = [
  'inputTokens',
  'outputTokens',
  'cachedInputTokens',
  'cacheWriteInputTokens',
  'reasoningTokens',
] as const

/** The sum of two calls' usage. A count that neither has is left out. */
export function addUsage(one: TokenUsage, other: TokenUsage): TokenUsage {
  const sum: TokenUsage = { inputTokens: 0, outputTokens: 0 }
  for (const count of COUNTS) {
    if (one[count] !== undefined || other[count] !== undefined)
      sum[count] = (one[count] ?? 0) + (other[count] ?? 0)
  }
  return sum
}
