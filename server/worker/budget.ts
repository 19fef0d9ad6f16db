import type { Budget, Usage } from '../contract/run.ts'
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
  /** What its models took, over all its attempts; undefined where none was asked. */
  usage(): Promise<Usage | undefined>
}

const NOTHING: Spent = { tokens: 0, toolCalls: 0, inputTokens: 0, outputTokens: 0 }

/**
 * Of a first attempt there is nothing to read. What earlier ones used is read first of all where there is a budget, and else
 * when it is asked for.
 */
export async function createSpending(
  store: Pick<AttemptStore, 'readSpent'>,
  { id, attempt, budget }: Pick<ClaimedRun, 'id' | 'attempt' | 'budget'>,
  controller: AbortController,
): Promise<Spending> {
  const readBefore = async () => (attempt === 1 ? NOTHING : store.readSpent(id, attempt))
  const before = budget === null ? undefined : await readBefore()
  const spent = { ...(before ?? NOTHING) }

  function exceeded(what: keyof Budget, limit: number): RunInterruption {
    const interruption = new RunInterruption('over_budget', {
      cause: budgetExceeded({ budget: what, limit, used: spent[what] }),
    })
    controller.abort(interruption)
    return interruption
  }

  return {
    note(type, payload) {
      if (type === 'usage') {
        const { inputTokens, outputTokens } = Object(payload) as Record<string, Json | undefined>
        spent.inputTokens += amountOf(inputTokens)
        spent.outputTokens += amountOf(outputTokens)
        spent.tokens = spent.inputTokens + spent.outputTokens
      }
      if (type !== 'tool.call') return
      spent.toolCalls += 1
      const limit = budget?.toolCalls
      if (limit !== undefined && spent.toolCalls > limit) exceeded('toolCalls', limit)
    },
    assertTokensLeft() {
      const limit = budget?.tokens
      if (limit !== undefined && spent.tokens >= limit) throw exceeded('tokens', limit)
    },
    async usage() {
      const earlier = before === undefined ? await readBefore() : NOTHING
      const inputTokens = earlier.inputTokens + spent.inputTokens
      const outputTokens = earlier.outputTokens + spent.outputTokens
      return inputTokens + outputTokens === 0 ? undefined : { inputTokens, outputTokens }
    },
  }
}

/** Reads a count with care: an agent may emit events of the runtime's types, and their payload is not checked. */
function amountOf(value: Json | undefined): number {
  return typeof value === 'number' && value > 0 ? value : 0
}
