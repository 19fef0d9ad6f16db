// The entry `trpc-agent-runtime/openai-agents`.
export { runAgent } from './run-agent.ts'
export type { OpenAIAgentResult, OutputOf } from './run-agent.ts'
export type { OpenAIAgentContext, RunAgentOptions } from './run-options.ts'
