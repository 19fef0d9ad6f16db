import type { HasAgents, KeyOf, ShapesOf } from '../server/contract/agent-shape.ts'
import type { AgentContext } from './agent-provider.tsx'
import { createAgentContext } from './agent-provider.tsx'
import type { AgentQueries } from './queries/agent-queries.ts'
import { createUseQueries } from './use-queries.ts'
import type { UseAgentRun } from './use-agent-run.ts'
import { createUseAgentRun } from './use-agent-run.ts'
import type { UseAgentSession } from './use-agent-session.ts'
import { createUseAgentSession } from './use-agent-session.ts'
import type { UseAgents } from './use-agents.ts'
import { createUseAgents } from './use-agents.ts'
import type { UseConversation } from './use-conversation.ts'
import { createUseConversation } from './use-conversation.ts'
import type { UseConversations } from './use-conversations.ts'
import { createUseConversations } from './use-conversations.ts'
import type { UseRuns } from './use-runs.ts'
import { createUseRuns } from './use-runs.ts'

export interface AgentHooks<TRuntime extends HasAgents> extends AgentContext<ShapesOf<TRuntime>> {
  useAgentRun: UseAgentRun<ShapesOf<TRuntime>>
  useConversation: UseConversation<ShapesOf<TRuntime>>
  useConversations: UseConversations<KeyOf<ShapesOf<TRuntime>>>
  useRuns: UseRuns<KeyOf<ShapesOf<TRuntime>>>
  useAgents: UseAgents<KeyOf<ShapesOf<TRuntime>>>
  useAgentSession: UseAgentSession
  /**
   * Options with which TanStack's own hooks read what the hooks above read.
   *
   * @example
   * const { data } = useSuspenseQuery(useAgentQueries().conversations.get({ conversationId }))
   */
  useAgentQueries: () => AgentQueries<KeyOf<ShapesOf<TRuntime>>>
}

/**
 * Creates hooks typed by the agents of a runtime, which is imported only as a type. Call it once, outside
 * of any component.
 *
 * @example
 * export const { AgentProvider, useAgentRun } = createAgentHooks<typeof runtime>()
 *
 * function Chat() {
 *   const { text, status, start, cancel } = useAgentRun({ agentKey: 'chat' })
 *   …
 * }
 */
export function createAgentHooks<TRuntime extends HasAgents>(): AgentHooks<TRuntime> {
  const { AgentProvider, useAgentClient, useShown } = createAgentContext<ShapesOf<TRuntime>>()
  const useQueries = createUseQueries(useShown)

  const useRefresh = () => useQueries().refreshAfterRun

  return {
    AgentProvider,
    useAgentClient,
    // Inside, any agent will do. An agent's own types are for callers, and the server checks them.
    useAgentRun: createUseAgentRun(useAgentClient, useRefresh),
    useConversation: createUseConversation(useQueries),
    useConversations: createUseConversations(useQueries),
    useRuns: createUseRuns(useQueries),
    // The server has only the agents of the runtime.
    useAgents: createUseAgents(useQueries),
    useAgentSession: createUseAgentSession(useQueries),
    useAgentQueries: () => useQueries().options,
  }
}
