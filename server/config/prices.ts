import { z } from 'zod'
import { ConfigError } from './config-error.ts'

const PerMillion = z.number().min(0).max(1_000_000)

const Rates = z.strictObject({
  input: PerMillion,
  output: PerMillion,
  /** Price of input that was in the provider's cache. Default: as other input. */
  cacheRead: PerMillion.optional(),
  /** Price of input that was written to the cache. Default: as other input. */
  cacheWrite: PerMillion.optional(),
})

/** Price of a million tokens of a model, in US dollars, or in the currency of all prices. */
export type Price = z.infer<typeof Price>
const Price = Rates.extend({
  /** The rates of a whole call whose input has more than `above` tokens. Default: the same. */
  long: Rates.extend({ above: z.int().min(1) }).optional(),
  /** The most tokens that a request may have, for the loop's `compaction`. Default: it is not known. */
  contextWindow: z.int().min(1).optional(),
})

/** Prices by the names of models, as `ctx.llm` has them: `openai/gpt-5.6-terra`. */
export type Prices = Readonly<Record<string, Price>>

/** @throws ConfigError that names the invalid price. */
export function checkPrices(prices: Prices): void {
  const { error } = z.record(z.string().regex(/^[^/]+\/./), Price).safeParse(prices)
  const [issue] = error?.issues ?? []
  if (issue === undefined) return
  const problem =
    issue.code === 'invalid_key' ? 'a model is named by its provider, a slash and its name' : issue.message
  throw new ConfigError(`prices["${String(issue.path[0])}"]${rest(issue.path)}: ${problem}`)
}

const rest = (path: readonly PropertyKey[]): string =>
  path
    .slice(1)
    .map((field) => `.${String(field)}`)
    .join('')
