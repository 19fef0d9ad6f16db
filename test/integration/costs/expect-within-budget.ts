import { BUDGETS } from './budgets.ts'
import type { Cost } from './budgets.ts'

/**
 * `parts` are its components.
 *
 * @throws an error that says what to do when something costs more than it may
 */
export function expectWithinBudget(cost: Cost, figure: number, parts: readonly string[] = []): void {
  const { today, atMost } = BUDGETS[cost]
  // NaN is not a cost.
  if (figure <= atMost) return
  const lines = [
    `${cost}: ${figure.toFixed(1)}. The budget is ${atMost}; it was ${today} when that was set.`,
    'Find what the change adds, and do without it where that is possible. Where it is worth its price, raise',
    'the figures in test/integration/costs/budgets.ts in the same commit, and say why in its message.',
    ...(parts.length === 0 ? [] : ['It is made of:', ...parts.map((part) => `  ${part}`)]),
  ]
  throw new Error(lines.join('\n'))
}
