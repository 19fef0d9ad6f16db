import type { Usage } from '@openai/agents'
import type { TokenUsage } from '../../ports/model.ts'

/** What is read of the SDK's state of a run. */
interface Counted {
  /** Of all requests, also of agents that are tools. */
  readonly usage: Usage
  /** Of the agent's own requests. */
  readonly _modelResponses: readonly { usage: Usage }[]
}

type Spent = Required<Pick<TokenUsage, 'inputTokens' | 'outputTokens'>>

/**
 * What agents took that the SDK made tools of (`asTool`), since it was last asked. They are not heard of otherwise: their answers are
 * no part of the state.
 */
export function createUsageOfTools(): {
  /** Undefined where that is nothing. */
  since(state: Counted): Spent | undefined
  /** What the state has was told by an earlier attempt. */
  skip(state: Counted): void
} {
  let told: Spent = { inputTokens: 0, outputTokens: 0 }

  return {
    since(state) {
      const all = ofTools(state)
      const inputTokens = Math.max(0, all.inputTokens - told.inputTokens)
      const outputTokens = Math.max(0, all.outputTokens - told.outputTokens)
      told = all
      return inputTokens + outputTokens === 0 ? undefined : { inputTokens, outputTokens }
    },
    skip(state) {
      told = ofTools(state)
    },
  }
}

/**
 * Calls back whenever something is added to the usage of a run, in the same turn of the event loop. Once a run is cancelled nothing can be
 * told, so it is not enough to ask when a tool is done; and of what a tool's agent takes the SDK tells nobody.
 */
export function hearUsage(usage: Usage, onAdded: () => void): void {
  const add = usage.add.bind(usage)
  const value: Usage['add'] = (...added) => {
    add(...added)
    onAdded()
  }
  Object.defineProperty(usage, 'add', { value, configurable: true })
}

function ofTools({ usage, _modelResponses: own }: Counted): Spent {
  const sum = (count: 'inputTokens' | 'outputTokens') =>
    usage[count] - own.reduce((total, response) => total + response.usage[count], 0)
  return { inputTokens: sum('inputTokens'), outputTokens: sum('outputTokens') }
}
