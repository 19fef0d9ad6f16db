// The entry that is used where RUNTIME_REGISTRY says where the agents are.
import { createAgentRuntime } from '../runtime/create-runtime.ts'

export default createAgentRuntime({ agents: [] })
