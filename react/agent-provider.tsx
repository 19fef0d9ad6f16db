import { QueryClient, QueryClientContext, QueryClientProvider } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { createContext, useContext, useEffect, useRef, useState } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { JsonLike } from '../server/contract/json.ts'
import { keyOfAll } from './queries.ts'

export interface AgentProviderProps<TShape extends AgentShape> {
  /** From `createAgentClient`, made once outside of any component. */
  client: AgentClient<TShape>
  /**
   * Says whose page it is, as JSON: `{ userId }`, or null while nobody is signed in. When it changes, nothing of what the one before was shown stays:
   * hooks begin anew, over new connections. Default: the page is always the same one's.
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

  function AgentProvider({ client: given, identity, queryClient, children }: AgentProviderProps<TShape>) {
    const client = useClientOf(given, JSON.stringify(identity))
    const ambient = useContext(QueryClientContext)
    const [own] = useState(() => new QueryClient())
    const chosen = queryClient ?? ambient ?? own
    useForgetting({ given, client }, chosen)
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

/** The client that was given, until another identity comes: then one that has read nothing. */
function useClientOf<TShape extends AgentShape>(
  given: AgentClient<TShape>,
  identity: string | undefined,
): AgentClient<TShape> {
  const [shown, setShown] = useState({ given, identity, client: given })
  if (shown.given === given && shown.identity === identity) return shown.client
  const client = shown.given === given ? given.renew() : given
  // While it renders: nothing below is to see the client of the one before.
  setShown({ given, identity, client })
  return client
}

/** Once another identity's client is shown, forgets what the one before had read. */
function useForgetting<TShape extends AgentShape>(
  shown: { given: AgentClient<TShape>; client: AgentClient<TShape> },
  queryClient: QueryClient,
): void {
  const { given, client } = shown
  const before = useRef({ given, client })
  useEffect(() => {
    const former = before.current
    before.current = { given, client }
    if (former.given !== given || former.client === client) return
    former.client.close()
    queryClient.removeQueries({ queryKey: keyOfAll(former.client) })
  }, [given, client, queryClient])
}
