// The entry when RUNTIME_REGISTRY names the agents.
import { createAgentRuntime } from '../runtime/create-runtime.ts'

export default createAgentRuntime({ agents: [] })
