'use client'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { createAgentClient } from 'trpc-agent-runtime/client'
import { createAgentHooks } from 'trpc-agent-runtime/react'
import type { runtime } from '../lib/runtime'

const { AgentProvider, ...hooks } = createAgentHooks<typeof runtime>()
export const { useAgentRun, useConversation, useConversations } = hooks
const client = createAgentClient<typeof runtime>({ url: '/trpc' })

export function Agents({ children }: { children: ReactNode }) {
  // Created for each rendered page: outside of the component, users would share it on the server.
  const [queryClient] = useState(
    () => new QueryClient({ defaultOptions: { queries: { staleTime: 60_000 } } }),
  )
  return (
    <QueryClientProvider client={queryClient}>
      <AgentProvider client={client}>{children}</AgentProvider>
    </QueryClientProvider>
  )
}
