import { z } from 'zod'

/** How much a run may use, over all its attempts. A field that is left out has no limit. */
export type Budget = z.infer<typeof Budget>
export const Budget = z.strictObject({
  /**
   * Input and output tokens of its models, as their providers report them. Once they are used up, no model is
   * asked again.
   */
  tokens: z.int().min(1).max(1_000_000_000).optional(),
  /** Tool calls of the tool loop. A call beyond them is not run. */
  toolCalls: z.int().min(0).max(1_000_000).optional(),
  /**
   * Cost of its models, in US dollars or in the currency of the runtime's prices. Once it is used up, no
   * model is asked again. An answer of unknown cost uses it up.
   */
  cost: z.number().gt(0).max(1_000_000).optional(),
})

/** Tokens and cost of a run's models, over all its attempts, as their providers report them. */
export type Usage = z.infer<typeof Usage>
export const Usage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  /** The part of `inputTokens` that came from a provider's cache. */
  cachedInputTokens: z.number(),
  /**
   * In US dollars, or in the currency of the runtime's prices. Null if the cost of any answer is not known.
   */
  cost: z.number().nullable(),
})
