import { createAgentClient } from '../../../client/index.ts'
import { createAgentHooks } from '../../../react/index.ts'
import type runtime from '../../assistant/runtime.ts'
import { signedInUser } from './user.ts'

export const client = createAgentClient<typeof runtime>({
  url: '/trpc',
  anonymous: true,
  headers() {
    const user = signedInUser()
    return user === null ? {} : { authorization: `Bearer ${encodeURIComponent(user)}` }
  },
})

export const {
  AgentProvider,
  useAgentClient,
  useAgentRun,
  useAgentSession,
  useConversation,
  useConversations,
} = createAgentHooks<typeof runtime>()
