// The entry `trpc-agent-runtime/langgraph`.
export { runGraph } from './run-graph.ts'
export type { GraphContext, GraphResult, RunGraphOptions, RunnableGraph } from './run-graph.ts'
