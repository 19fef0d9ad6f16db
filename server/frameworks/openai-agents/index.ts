// The entry `trpc-agent-runtime/openai-agents`.
export { runAgent } from './run-agent.ts'
export type { OpenAIAgentContext, OpenAIAgentResult, OutputOf, RunAgentOptions } from './run-agent.ts'
