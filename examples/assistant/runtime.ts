import { createAgentRuntime } from '../../server/index.ts'
import { assistant } from './agent.ts'

// The default export is what `agent-runtime dev examples/assistant/runtime.ts` looks for.
const runtime = createAgentRuntime({ agents: [assistant] })
export default runtime
