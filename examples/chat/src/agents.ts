import { createAgentClient } from '../../../client/index.ts'
import { createAgentHooks } from '../../../react/index.ts'
import type runtime from '../../assistant/runtime.ts'

export const client = createAgentClient<typeof runtime>({ url: '/trpc' })

export const { AgentProvider, useAgentClient, useAgentRun, useConversation, useConversations } =
  createAgentHooks<typeof runtime>()
