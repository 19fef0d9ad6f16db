import type { AgentInputItem, RunConfig } from '@openai/agents'
import type { AgentContext } from '../../agent/context.ts'

/** What is used of a run's context; every agent's `ctx` fits. */
export type OpenAIAgentContext = Pick<
  AgentContext,
  'messages' | 'signal' | 'emit' | 'approve' | 'files' | 'llm'
>

export interface RunAgentOptions<TContext> {
  /** What the agent begins with. Default: the conversation so far with this run's input. */
  input?: string | AgentInputItem[]
  /** What its tools and guardrails are given. It is stored with the state, so it has to be JSON. Default: nothing. */
  context?: TContext
  /** Model calls before it gives up. Default: the SDK's. */
  maxTurns?: number
  /** Of the SDK: `modelProvider`, `modelSettings`, guardrails and the like. Its tracing, which goes to OpenAI, is off unless this turns it on. */
  config?: Partial<RunConfig>
}
