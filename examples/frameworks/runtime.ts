// The same agent in each framework: `node server/cli/main.ts dev examples/frameworks/runtime.ts`.
import { createAgentRuntime } from '../../server/index.ts'
import { aiSDK } from './ai-sdk.ts'
import { langgraph } from './langgraph.ts'
import { openaiAgents } from './openai-agents.ts'
import { ownLoop } from './own-loop.ts'

export default createAgentRuntime({ agents: [ownLoop, langgraph, openaiAgents, aiSDK] })
