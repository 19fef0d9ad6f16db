import { createAgentRuntime } from '../../server/index.ts'
import { assistant } from './agent.ts'
import { authenticate } from './sign-in.ts'

// The default export is what `agent-runtime dev examples/assistant/runtime.ts` looks for.
const runtime = createAgentRuntime({ agents: [assistant], anonymousSessions: true, authenticate })
export default runtime
