import { describe, expect, test } from 'vitest'
import { PRICES } from '../../../server/index.ts'
import { PROVIDERS } from '../../../server/config/providers.ts'
import { createCostOf } from '../../../server/models/prices.ts'

const costOf = createCostOf({
  'a/plain': { input: 1, output: 2 },
  'a/cached': { input: 10, output: 20, cacheRead: 1, cacheWrite: 12.5 },
  'a/long': { input: 1, output: 2, long: { above: 1_000, input: 10, output: 20 } },
  'a/free': { input: 0, output: 0 },
})
const of = (name: string, usage: Partial<Parameters<typeof costOf>[1]>) =>
  costOf({ provider: 'a', name }, { inputTokens: 1_000, outputTokens: 1_000, ...usage })

describe('what an answer costs', () => {
  test('is made of what was read, what a cache had of it, and what was said', () => {
    expect(of('plain', {})).toBe(0.003)
    expect(of('cached', { cachedInputTokens: 600, cacheWriteInputTokens: 100 })).toBe(0.02485)
    expect(of('plain', { cachedInputTokens: 600 })).toBe(0.003)
  })

  test('never falls below what was said for counts that contradict each other', () => {
    expect(of('cached', { inputTokens: 0, cachedInputTokens: 1_000 })).toBe(0.021)
  })

  test('is another beyond so many tokens', () => {
    expect([of('long', {}), of('long', { inputTokens: 1_001 })]).toEqual([0.003, 0.03001])
  })

  test('is that of the model whose snapshot is asked', () => {
    expect([of('plain-2026-01-31', {}), of('plain-20260131', {})]).toEqual([0.003, 0.003])
  })

  test('is that of the provider by its interface', () => {
    expect(costOf({ provider: 'a.chat', name: 'plain' }, { inputTokens: 1_000, outputTokens: 0 })).toBe(0.001)
  })

  test('is not known without a price, nor without a count; what is free is free', () => {
    expect([of('other', {}), of('plain-mini', {}), of('__proto__', {})]).toEqual([null, null, null])
    expect(of('plain', { inputTokens: 0, outputTokens: 0 })).toBeNull()
    expect(of('free', { inputTokens: 0, outputTokens: 0 })).toBe(0)
  })
})

test('the table has the models that answer where none is named', () => {
  expect(Object.keys(PRICES)).toEqual(
    expect.arrayContaining([
      `openai/${PROVIDERS.openai.defaultModel}`,
      `anthropic/${PROVIDERS.anthropic.defaultModel}`,
      'demo/demo-rules',
    ]),
  )
})
