import type { RuntimePaths } from '../api/runtime-paths.ts'
import type { AgentRuntime } from '../runtime/agent-runtime.ts'
import { parseSchema } from '../agent/parse-schema.ts'

/** What the commands print about a runtime, also about one in another process. */
export interface RuntimeDescription extends RuntimePaths {
  model: { provider: string; name: string }
  agentKeys: string[]
  /** An agent that needs no parameters, if there is one, so that the printed example works as it is. */
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
    agentToTry: (agents.find(needsNoParams) ?? agents[0])?.key,
  }
}

function needsNoParams({ params }: AgentRuntime['agents'][number]): boolean {
  if (params === undefined) return true
  try {
    const parsed = parseSchema(params, {})
    if (!(parsed instanceof Promise)) return true
    // An asynchronous schema is not waited for.
    parsed.catch(() => {})
    return false
  } catch {
    return false
  }
}
