import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { shortened } from '../contract/issues.ts'

/** @returns the error for a key that is not in `agents`; its details list the known keys */
export function unknownAgent(agentKey: string, agents: ReadonlyMap<string, unknown>): AgentRuntimeError {
  return new AgentRuntimeError('unknown_agent', `There is no agent "${shortened(agentKey)}".`, {
    details: { known: [...agents.keys()] },
  })
}
