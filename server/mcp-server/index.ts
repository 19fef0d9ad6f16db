// The entry `trpc-agent-runtime/mcp-server`.
export { createMcpServer } from './mcp-server.ts'
export type { McpServerHandler, McpServerOptions, ServedRuntime } from './mcp-server.ts'
