// Stands in for an entry where RUNTIME_REGISTRY names where the agents are.
import { createAgentRuntime } from '../runtime/create-runtime.ts'

export default createAgentRuntime({ agents: [] })
