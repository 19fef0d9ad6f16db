import type { Budget } from '../contract/run.ts'
import type { Json } from '../contract/json.ts'
import { budgetExceeded } from '../lifecycle/errors.ts'
import type { ClaimedRun, Spent } from '../ports/attempt.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'
import { RunInterruption } from './interruption.ts'

/** What a run has used of its budget, over all its attempts. It is counted from the run's events. */
export interface Spending {
  /** Counts an event of the attempt. A tool call beyond the budget ends the attempt before the tool is run. */
  note(type: string, payload: Json): void
  /** @throws RunInterruption when no token is left, which ends the attempt too. */
  assertTokensLeft(): void
}

const UNLIMITED: Spending = { note: () => {}, assertTokensLeft: () => {} }

/** Counts nothing where the run has no budget. A first attempt has nothing to read. */
export async function createSpending(
  store: Pick<AttemptStore, 'readSpent'>,
  { id, attempt, budget }: Pick<ClaimedRun, 'id' | 'attempt' | 'budget'>,
  controller: AbortController,
): Promise<Spending> {
  if (budget === null) return UNLIMITED
  const spent: Spent = attempt === 1 ? { tokens: 0, toolCalls: 0 } : await store.readSpent(id)

  function exceeded(what: keyof Budget, limit: number): RunInterruption {
    const interruption = new RunInterruption('over_budget', {
      cause: budgetExceeded({ budget: what, limit, used: spent[what] }),
    })
    controller.abort(interruption)
    return interruption
  }

  return {
    note(type, payload) {
      if (type === 'usage') spent.tokens += tokensOf(payload)
      if (type !== 'tool.call') return
      spent.toolCalls += 1
      const { toolCalls: limit } = budget
      if (limit !== undefined && spent.toolCalls > limit) exceeded('toolCalls', limit)
    },
    assertTokensLeft() {
      const { tokens: limit } = budget
      if (limit !== undefined && spent.tokens >= limit) throw exceeded('tokens', limit)
    },
  }
}

function tokensOf(usage: Json): number {
  const { inputTokens, outputTokens } = usage as Record<string, Json | undefined>
  return amountOf(inputTokens) + amountOf(outputTokens)
}

/** Reads a count with care: an agent may emit events of the runtime's types, and their payload is not checked. */
function amountOf(value: Json | undefined): number {
  return typeof value === 'number' && value > 0 ? value : 0
}
