import type { Budget, Usage } from '../contract/budget.ts'

/** What was used: the amounts that a budget limits, and the other usage. */
export type Spent = Record<Exclude<keyof Budget, 'cost'>, number> & Usage

export const NOTHING_SPENT: Spent = {
  tokens: 0,
  toolCalls: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  cost: 0,
}
