// The entry `trpc-agent-runtime/langfuse`.
export { langfuse } from './langfuse.ts'
export type { LangfuseOptions } from './langfuse.ts'
