import type { RuntimePaths } from '../api/runtime-paths.ts'
import type { AgentRuntime } from '../runtime/agent-runtime.ts'
import { parseSchema } from '../agent/parse-schema.ts'

/** The description of a runtime, which may run in another process. */
export interface RuntimeDescription extends RuntimePaths {
  model: { provider: string; name: string }
  agentKeys: string[]
  /** Whether it has metrics for `--metrics-port`. */
  isMeasuring: boolean
  /**
   * An agent that needs no parameters, if there is one, so that the printed command that creates a run works
   * unchanged.
   */
  agentToTry: string | undefined
}

export function describeRuntime(runtime: AgentRuntime): RuntimeDescription {
  const { config, model, agents, hasAnonymousSessions } = runtime
  return {
    restPath: config.restPath,
    trpcPath: config.trpcPath,
    sessionPath: hasAnonymousSessions ? config.anonymousSessionPath : undefined,
    model: { provider: model.provider, name: model.name },
    agentKeys: agents.map((agent) => agent.key),
    isMeasuring: runtime.metrics?.exposition !== undefined,
    agentToTry: (agents.find(needsNoParams) ?? agents[0])?.key,
  }
}

function needsNoParams({ params }: AgentRuntime['agents'][number]): boolean {
  if (params === undefined) return true
  try {
    const parsed = parseSchema(params, {})
    if (!(parsed instanceof Promise)) return true
    // Nobody waits for an asynchronous check.
    parsed.catch(() => {})
    return false
  } catch {
    return false
  }
}
