// The entry `trpc-agent-runtime/subprocess`.
export { subprocessAgent } from './subprocess-agent.ts'
export type { SubprocessAgentOptions } from './subprocess-agent.ts'
export type { ProcessSettings } from './process-options.ts'
