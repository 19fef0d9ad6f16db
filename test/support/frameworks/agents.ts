import { aiSDK } from './ai-sdk.ts'
import type { FrameworkPorts } from './effects.ts'
import { langgraph } from './langgraph.ts'
import { openaiAgents } from './openai-agents.ts'
import { ownLoop } from './own-loop.ts'
import { subprocess } from './subprocess.ts'

/** The same agent in each framework. */
export const frameworkAgents = (ports: FrameworkPorts) =>
  [ownLoop(ports), langgraph(ports), openaiAgents(ports), aiSDK(ports), subprocess(ports)] as const
