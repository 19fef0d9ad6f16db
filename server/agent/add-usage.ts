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
  if (one.cost === undefined && other.cost === undefined) return sum
  return { ...sum, cost: addCosts(one.cost ?? costOfNothing(one), other.cost ?? costOfNothing(other)) }
}

/** Of two costs, one of which may not be known, without the noise that sums of fractions have. */
export function addCosts(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : Number((one + other).toFixed(12))
}

const costOfNothing = ({ inputTokens, outputTokens }: TokenUsage): number | null =>
  inputTokens + outputTokens === 0 ? 0 : null
