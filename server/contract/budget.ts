import { z } from 'zod'

/** How much a run may use, over all its attempts. A field that is left out has no limit. */
export type Budget = z.infer<typeof Budget>
export const Budget = z.strictObject({
  /** Of its models, in and out, as their providers report them. Once they are used up, no model is asked again. */
  tokens: z.int().min(1).max(1_000_000_000).optional(),
  /** Of the tool loop: one beyond them is not run. */
  toolCalls: z.int().min(0).max(1_000_000).optional(),
  /**
   * Of its models, in US dollars, or what else the runtime's prices are in. Once it is used up, no model is asked again; nor
   * after an answer whose cost is not known.
   */
  cost: z.number().gt(0).max(1_000_000).optional(),
})

/** What the models of a run took, over all its attempts, as their providers report it. */
export type Usage = z.infer<typeof Usage>
export const Usage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  /** Of `inputTokens`, those that a provider said it had in its cache. */
  cachedInputTokens: z.number(),
  /** In US dollars, or what else the runtime's prices are in. Null where the cost of any answer is not known. */
  cost: z.number().nullable(),
})
