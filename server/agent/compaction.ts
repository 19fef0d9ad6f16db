import { z } from 'zod'
import type { AgentMessage } from '../contract/message.ts'
import type { Model } from '../ports/model.ts'
import { unknownOption } from './unknown-option.ts'

/** What a function that sums up is given. */
export interface SummaryRequest {
  /** What the summary takes the place of, oldest first; an earlier summary is the first of them. */
  readonly messages: readonly AgentMessage[]
  readonly signal: AbortSignal
  /** The same in each try of this summary. */
  readonly idempotencyKey: string
}

/** When and how a tool loop sums up older messages. */
export interface Compaction {
  /** The most tokens that a request to the model may have. Default: that of the model in the table of prices (`contextWindow`). */
  contextWindow?: number
  /** The share of the window from which on it is done, above 0 and up to 1. Default: 0.8. */
  threshold?: number
  /** How many tokens of the newest messages stay as they are. Default: a quarter of the window. */
  keepTokens?: number
  /** Who sums up. Default: the model that is asked next. */
  model?: Model
  /**
   * Sums up in place of a model. It is run as a step, once for what it is given.
   *
   * @example
   * summarise: async ({ messages }) => (await ctx.llm('openai/gpt-5.6-luna').generate([...messages], { system: 'Sum this up.' })).text
   */
  summarise?: (request: SummaryRequest) => Promise<string> | string
}

const OPTIONS: Record<keyof Compaction, true> = {
  contextWindow: true,
  threshold: true,
  keepTokens: true,
  model: true,
  summarise: true,
}
const Limits = z.object({
  contextWindow: z.int().min(1).optional(),
  threshold: z.number().gt(0).max(1).optional(),
  keepTokens: z.int().min(0).optional(),
  model: z.custom((model) => typeof Object(model).stream === 'function', 'expected a model').optional(),
  summarise: z.custom((given) => typeof given === 'function', 'expected a function').optional(),
})

/** @throws TypeError when an option is not valid. */
export function assertCompaction(options: unknown): asserts options is Compaction {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('toolLoop: compaction is true, or an object of its settings.')
  }
  const unknown = unknownOption(options, OPTIONS)
  if (unknown !== undefined) throw new TypeError(`toolLoop, compaction: ${unknown}`)
  const [issue] = Limits.safeParse(options).error?.issues ?? []
  if (issue === undefined) return
  throw new TypeError(`toolLoop: compaction.${issue.path.join('.')} is not valid. ${issue.message}`)
}
