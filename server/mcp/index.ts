// The entry `trpc-agent-runtime/mcp`.
export { mcpTools } from './mcp-tools.ts'
export type { McpServer, McpTools, McpToolsOptions } from './mcp-tools.ts'
