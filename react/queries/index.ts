export type { AgentPagesQuery, AgentQueries, AgentQueriesOptions, AgentQuery } from './agent-queries.ts'
export { createAgentQueries } from './agent-queries.ts'
export type { ConversationInput, ConversationsOptions, RunsFilter } from './filters.ts'
