import type { Budget, Usage } from '../contract/budget.ts'
import type { Json, JsonObject } from '../contract/json.ts'
import { budgetExceeded } from '../lifecycle/errors.ts'
import { addCosts } from '../agent/add-usage.ts'
import { NOTHING_SPENT } from '../ports/spent.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'
import { RunInterruption } from './interruption.ts'

/** What a run has used of its budget, over all its attempts. It is counted from the run's events. */
export interface Spending {
  /** Counts an event of the attempt. A tool call beyond the budget ends the attempt before the tool is run. */
  note(type: string, payload: Json): void
  /** What is left of the budget; null where there is none. */
  left(): Budget | null
  /** @throws RunInterruption when no model may be asked again, which ends the attempt too. */
  assertLeft(): void
  /** What its models took, over all its attempts; undefined where none was asked. */
  usage(): Promise<Usage | undefined>
}

/**
 * Of a first attempt there is nothing to read. What earlier ones used is read first of all where there is a budget, and else
 * when it is asked for.
 */
export async function createSpending(
  store: Pick<AttemptStore, 'readSpent'>,
  { id, attempt, budget }: Pick<ClaimedRun, 'id' | 'attempt' | 'budget'>,
  controller: AbortController,
): Promise<Spending> {
  const readBefore = async () => (attempt === 1 ? NOTHING_SPENT : store.readSpent(id, attempt))
  const before = budget === null ? undefined : await readBefore()
  const spent = { ...(before ?? NOTHING_SPENT) }

  function exceeded(what: keyof Budget, limit: number): RunInterruption {
    const interruption = new RunInterruption('over_budget', {
      cause: budgetExceeded({ budget: what, limit, used: spent[what] }),
    })
    controller.abort(interruption)
    return interruption
  }

  return {
    note(type, payload) {
      const used = type === 'child.ended' ? (Object(payload) as JsonObject)['usage'] : payload
      if (type === 'usage' || (type === 'child.ended' && used !== null && used !== undefined)) {
        const { inputTokens, outputTokens, cachedInputTokens, cost, toolCalls } = Object(used) as JsonObject
        spent.toolCalls += amountOf(toolCalls)
        spent.inputTokens += amountOf(inputTokens)
        spent.outputTokens += amountOf(outputTokens)
        spent.cachedInputTokens += amountOf(cachedInputTokens)
        spent.tokens = spent.inputTokens + spent.outputTokens
        spent.cost = addCosts(spent.cost, typeof cost === 'number' ? amountOf(cost) : null)
      }
      if (type !== 'tool.call') return
      spent.toolCalls += 1
      const limit = budget?.toolCalls
      if (limit !== undefined && spent.toolCalls > limit) exceeded('toolCalls', limit)
    },
    left() {
      const { tokens, cost, toolCalls } = budget ?? {}
      if (budget === null) return null
      return {
        ...(tokens !== undefined && { tokens: Math.max(1, tokens - spent.tokens) }),
        ...(toolCalls !== undefined && { toolCalls: Math.max(0, toolCalls - spent.toolCalls) }),
        // The least that can be said.
        ...(cost !== undefined && { cost: Math.max(Number.EPSILON, cost - (spent.cost ?? 0)) }),
      }
    },
    assertLeft() {
      const { tokens, cost } = budget ?? {}
      if (tokens !== undefined && spent.tokens >= tokens) throw exceeded('tokens', tokens)
      if (cost !== undefined && (spent.cost === null || spent.cost >= cost)) throw exceeded('cost', cost)
    },
    async usage() {
      const earlier = before === undefined ? await readBefore() : NOTHING_SPENT
      const inputTokens = earlier.inputTokens + spent.inputTokens
      const outputTokens = earlier.outputTokens + spent.outputTokens
      if (inputTokens + outputTokens === 0) return undefined
      const cachedInputTokens = earlier.cachedInputTokens + spent.cachedInputTokens
      return { inputTokens, outputTokens, cachedInputTokens, cost: addCosts(earlier.cost, spent.cost) }
    },
  }
}

/** Reads a count with care: an agent may emit events of the runtime's types, and their payload is not checked. */
function amountOf(value: Json | undefined): number {
  return typeof value === 'number' && value > 0 ? value : 0
}
