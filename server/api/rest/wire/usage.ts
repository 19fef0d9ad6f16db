import { z } from 'zod'
import type { Usage } from '../../../contract/budget.ts'
import { answerSchema } from './named.ts'

export type RestUsage = z.infer<typeof RestUsage>
export const RestUsage = answerSchema(
  'Usage',
  z
    .object({
      input_tokens: z.number(),
      output_tokens: z.number(),
      total_tokens: z.number(),
      cached_input_tokens: z.number().describe('The part of `input_tokens` that came from a cache.'),
      cost: z
        .number()
        .nullable()
        .describe('In US dollars, or in the currency of the prices. Null if it is not known.'),
    })
    .partial(),
)

/** Some fields are missing for runs that ended before these were counted. */
export function toRestUsage(usage: Partial<Usage> | null): RestUsage {
  if (usage === null) return {}
  const { inputTokens = 0, outputTokens = 0, cachedInputTokens = 0, cost = null } = usage
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    cached_input_tokens: cachedInputTokens,
    cost,
  }
}
