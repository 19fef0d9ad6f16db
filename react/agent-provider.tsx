import { QueryClient, QueryClientContext, QueryClientProvider } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { createContext, useContext, useState } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { JsonLike } from '../server/contract/json.ts'
import { createIdentities } from './identities.ts'

export interface AgentProviderProps<TShape extends AgentShape> {
  /** From `createAgentClient`, made once outside of any component. */
  client: AgentClient<TShape>
  /**
   * Whose page it is, as JSON: `{ userId }`, or null while nobody is signed in. When it changes, hooks begin anew over new
   * connections, and nothing that was read for the former user stays. Default: the user never changes.
   *
   * @example
   * <AgentProvider client={client} identity={session?.userId ?? null}>
   */
  identity?: JsonLike
  /** Holds conversations. Default: the `QueryClient` of the app around it, else an own one. */
  queryClient?: QueryClient
  children?: ReactNode
}

export interface AgentContext<TShape extends AgentShape> {
  AgentProvider: (props: AgentProviderProps<TShape>) => ReactNode
  useAgentClient: () => AgentClient<TShape>
}

export function createAgentContext<TShape extends AgentShape>(): AgentContext<TShape> {
  const ClientContext = createContext<AgentClient<TShape> | null>(null)
  const { useClientOf, useForgetting } = createIdentities<TShape>()

  function AgentProvider({ client: given, identity, queryClient, children }: AgentProviderProps<TShape>) {
    const whose = JSON.stringify(identity)
    const client = useClientOf(given, whose)
    const ambient = useContext(QueryClientContext)
    const [own] = useState(() => new QueryClient())
    const chosen = queryClient ?? ambient ?? own
    useForgetting({ given, identity: whose, client }, chosen)
    // React 18 takes no context for a component.
    const content = <ClientContext.Provider value={client}>{children}</ClientContext.Provider>
    return chosen === ambient ? content : <QueryClientProvider client={chosen}>{content}</QueryClientProvider>
  }

  function useAgentClient() {
    const client = useContext(ClientContext)
    if (client === null) throw new Error('Agent hooks need an <AgentProvider> above them.')
    return client
  }

  return { AgentProvider, useAgentClient }
}
