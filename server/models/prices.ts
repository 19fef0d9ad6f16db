import type { Price, Prices } from '../config/prices.ts'
import type { CostOf, Model, TokenUsage, WindowOf } from '../ports/model.ts'

/** OpenAI takes more for all of a call whose input is long. */
function tiered(rates: Required<Pick<Price, 'input' | 'output'>> & Omit<Price, 'long'>): Price {
  const { input, output, cacheRead, cacheWrite } = rates
  return {
    ...rates,
    long: {
      above: 272_000,
      input: input * 2,
      output: output * 1.5,
      ...(cacheRead === undefined ? {} : { cacheRead: cacheRead * 2 }),
      ...(cacheWrite === undefined ? {} : { cacheWrite: cacheWrite * 2 }),
    },
  }
}

/**
 * What the providers' models cost, in US dollars for a million tokens: their standard tier, without discounts for batches; and how many
 * tokens a request may have.
 * The figures are those of LiteLLM 1.108.7 (`model_prices_and_context_window.json`, November 2026). Providers change theirs: give
 * `createAgentRuntime` what you pay.
 *
 * @example
 * createAgentRuntime({ agents, prices: { ...PRICES, 'kimi/kimi-k3': { input: 0.6, output: 2.5 } } })
 */
export const PRICES: Prices = {
  'openai/gpt-6.1-sol': tiered({
    input: 2,
    output: 10,
    cacheRead: 0.1,
    cacheWrite: 2.5,
    contextWindow: 922_000,
  }),
  'openai/gpt-6-astra': tiered({
    input: 10,
    output: 50,
    cacheRead: 1,
    cacheWrite: 12.5,
    contextWindow: 922_000,
  }),
  'openai/gpt-6-sol': tiered({
    input: 2,
    output: 10,
    cacheRead: 0.2,
    cacheWrite: 2.5,
    contextWindow: 922_000,
  }),
  'openai/gpt-6-luna': tiered({
    input: 0.1,
    output: 0.5,
    cacheRead: 0.01,
    cacheWrite: 0.125,
    contextWindow: 922_000,
  }),
  'openai/gpt-5.6': tiered({ input: 4, output: 20, cacheRead: 0.4, cacheWrite: 5, contextWindow: 922_000 }),
  'openai/gpt-5.6-sol': tiered({
    input: 4,
    output: 20,
    cacheRead: 0.4,
    cacheWrite: 5,
    contextWindow: 922_000,
  }),
  'openai/gpt-5.6-terra': tiered({
    input: 2,
    output: 12,
    cacheRead: 0.2,
    cacheWrite: 2.5,
    contextWindow: 922_000,
  }),
  'openai/gpt-5.6-luna': tiered({
    input: 0.2,
    output: 1.2,
    cacheRead: 0.02,
    cacheWrite: 0.25,
    contextWindow: 922_000,
  }),
  'openai/gpt-5.5': tiered({ input: 5, output: 30, cacheRead: 0.5, contextWindow: 1_050_000 }),
  'openai/gpt-5.5-pro': tiered({ input: 30, output: 180, contextWindow: 1_050_000 }),
  'openai/gpt-5.4': tiered({ input: 2.5, output: 15, cacheRead: 0.25, contextWindow: 1_050_000 }),
  'openai/gpt-5.4-pro': tiered({ input: 30, output: 180, contextWindow: 1_050_000 }),
  'openai/gpt-5.4-mini': { input: 0.75, output: 4.5, cacheRead: 0.075, contextWindow: 272_000 },
  'openai/gpt-5.4-nano': { input: 0.2, output: 1.25, cacheRead: 0.02, contextWindow: 272_000 },
  'openai/gpt-5.2': { input: 1.75, output: 14, cacheRead: 0.175, contextWindow: 272_000 },
  'openai/gpt-5.1': { input: 1.25, output: 10, cacheRead: 0.125, contextWindow: 272_000 },
  'openai/gpt-5': { input: 1.25, output: 10, cacheRead: 0.125, contextWindow: 272_000 },
  'openai/gpt-5-mini': { input: 0.25, output: 2, cacheRead: 0.025, contextWindow: 272_000 },
  'openai/gpt-5-nano': { input: 0.05, output: 0.4, cacheRead: 0.005, contextWindow: 272_000 },
  'openai/gpt-4.1': { input: 2, output: 8, cacheRead: 0.5, contextWindow: 1_047_576 },
  'openai/gpt-4.1-mini': { input: 0.4, output: 1.6, cacheRead: 0.1, contextWindow: 1_047_576 },
  'openai/gpt-4.1-nano': { input: 0.1, output: 0.4, cacheRead: 0.025, contextWindow: 1_047_576 },
  'openai/gpt-4o-2024-05-13': { input: 5, output: 15, contextWindow: 128_000 },
  'openai/gpt-4o': { input: 2.5, output: 10, cacheRead: 1.25, contextWindow: 128_000 },
  'openai/gpt-4o-mini': { input: 0.15, output: 0.6, cacheRead: 0.075, contextWindow: 128_000 },
  'openai/o3': { input: 2, output: 8, cacheRead: 0.5, contextWindow: 200_000 },
  'openai/o4-mini': { input: 1.1, output: 4.4, cacheRead: 0.275, contextWindow: 200_000 },
  'anthropic/claude-fable-5-1': {
    input: 10,
    output: 50,
    cacheRead: 0.25,
    cacheWrite: 12.5,
    contextWindow: 1_000_000,
  },
  'anthropic/claude-fable-5': {
    input: 10,
    output: 50,
    cacheRead: 1,
    cacheWrite: 12.5,
    contextWindow: 1_000_000,
  },
  'anthropic/claude-opus-5-5': {
    input: 4,
    output: 20,
    cacheRead: 0.2,
    cacheWrite: 5,
    contextWindow: 1_000_000,
  },
  'anthropic/claude-opus-5': {
    input: 5,
    output: 25,
    cacheRead: 0.5,
    cacheWrite: 6.25,
    contextWindow: 1_000_000,
  },
  'anthropic/claude-opus-4-8': {
    input: 5,
    output: 25,
    cacheRead: 0.5,
    cacheWrite: 6.25,
    contextWindow: 1_000_000,
  },
  'anthropic/claude-opus-4-7': {
    input: 5,
    output: 25,
    cacheRead: 0.5,
    cacheWrite: 6.25,
    contextWindow: 1_000_000,
  },
  'anthropic/claude-opus-4-6': {
    input: 5,
    output: 25,
    cacheRead: 0.5,
    cacheWrite: 6.25,
    contextWindow: 1_000_000,
  },
  'anthropic/claude-opus-4-5': {
    input: 5,
    output: 25,
    cacheRead: 0.5,
    cacheWrite: 6.25,
    contextWindow: 200_000,
  },
  'anthropic/claude-sonnet-5-5': {
    input: 2,
    output: 10,
    cacheRead: 0.1,
    cacheWrite: 2.5,
    contextWindow: 1_000_000,
  },
  'anthropic/claude-sonnet-5': {
    input: 2,
    output: 10,
    cacheRead: 0.2,
    cacheWrite: 2.5,
    contextWindow: 1_000_000,
  },
  'anthropic/claude-sonnet-4-6': {
    input: 3,
    output: 15,
    cacheRead: 0.3,
    cacheWrite: 3.75,
    contextWindow: 1_000_000,
  },
  'anthropic/claude-sonnet-4-5': {
    input: 3,
    output: 15,
    cacheRead: 0.3,
    cacheWrite: 3.75,
    contextWindow: 200_000,
  },
  'anthropic/claude-haiku-5-5': {
    input: 0.1,
    output: 0.5,
    cacheRead: 0.01,
    cacheWrite: 0.125,
    contextWindow: 1_000_000,
    long: { above: 100_000, input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite: 0.625 },
  },
  'anthropic/claude-haiku-4-5': {
    input: 1,
    output: 5,
    cacheRead: 0.1,
    cacheWrite: 1.25,
    contextWindow: 200_000,
  },
  // These ask nobody.
  'demo/demo-rules': { input: 0, output: 0, contextWindow: 1_000_000 },
  'scripted/scripted': { input: 0, output: 0 },
}

/** A name with the date of a snapshot, which costs what the model does. */
const SNAPSHOT = /-20\d{2}-?\d{2}-?\d{2}$/

export function createCostOf(prices: Prices): CostOf {
  return (model, usage) => {
    const price = priceOf(prices, model)
    return price === undefined ? null : costOf(price, usage)
  }
}

export function createWindowOf(prices: Prices): WindowOf {
  return (model) => priceOf(prices, model)?.contextWindow ?? null
}

function priceOf(prices: Prices, { provider, name }: Pick<Model, 'provider' | 'name'>): Price | undefined {
  const find = (id: string) => (Object.hasOwn(prices, id) ? prices[id] : undefined)
  // Providers of the AI SDK add to their name what they speak: `openai.responses`.
  const ids = [provider, provider.split('.')[0]].map((each) => `${each}/${name}`)
  return ids.map((id) => find(id) ?? find(id.replace(SNAPSHOT, ''))).find((each) => each !== undefined)
}

function costOf(price: Price, usage: TokenUsage): number | null {
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteInputTokens = 0 } = usage
  const rates = price.long !== undefined && inputTokens > price.long.above ? price.long : price
  // Each answer takes tokens, so a provider that tells of none does not count them.
  if (inputTokens + outputTokens === 0 && rates.input + rates.output > 0) return null
  const { input, output, cacheRead = input, cacheWrite = input } = rates
  const plainTokens = Math.max(0, inputTokens - cachedInputTokens - cacheWriteInputTokens)
  const millionths =
    plainTokens * input +
    cachedInputTokens * cacheRead +
    cacheWriteInputTokens * cacheWrite +
    outputTokens * output
  return millionths / 1_000_000
}
