import { useCallback } from 'react'
import type { HasAgents, KeyOf, ShapesOf } from '../server/contract/agent-shape.ts'
import type { AgentContext } from './agent-provider.tsx'
import { createAgentContext } from './agent-provider.tsx'
import { createUseQueries } from './queries.ts'
import type { UseAgentRun } from './use-agent-run.ts'
import { createUseAgentRun } from './use-agent-run.ts'
import type { UseConversation } from './use-conversation.ts'
import { createUseConversation } from './use-conversation.ts'
import type { UseConversations } from './use-conversations.ts'
import { createUseConversations } from './use-conversations.ts'

export interface AgentHooks<TRuntime extends HasAgents> extends AgentContext<ShapesOf<TRuntime>> {
  useAgentRun: UseAgentRun<ShapesOf<TRuntime>>
  useConversation: UseConversation
  useConversations: UseConversations<KeyOf<ShapesOf<TRuntime>>>
}

/**
 * Hooks typed by the agents of a runtime, which is imported as a type alone. Call it once, outside of
 * any component.
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
  const { AgentProvider, useAgentClient } = createAgentContext<ShapesOf<TRuntime>>()
  const useQueries = createUseQueries(useAgentClient)

  function useRefresh() {
    const { refresh } = useQueries()
    return useCallback(() => refresh('conversations'), [refresh])
  }

  return {
    AgentProvider,
    useAgentClient,
    // Inside, an agent is any agent: its own types are for who calls, and checked by the server.
    useAgentRun: createUseAgentRun(useAgentClient, useRefresh),
    useConversation: createUseConversation(useQueries),
    useConversations: createUseConversations(useQueries),
  }
}
