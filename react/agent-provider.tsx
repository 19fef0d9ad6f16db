import { QueryClient, QueryClientContext, QueryClientProvider } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { createContext, useContext, useMemo, useState } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { JsonLike } from '../server/contract/json.ts'
import { createIdentities, useRoot } from './identities.ts'
import { nameOf } from './queries/keys.ts'
import type { Shown } from './use-queries.ts'

export interface AgentProviderProps<TShape extends AgentShape> {
  /** A client from `createAgentClient`. Make it once, outside of any component. */
  client: AgentClient<TShape>
  /**
   * The user of the page, as JSON: `{ userId }`, or null while nobody is signed in. When it changes, hooks begin anew over new
   * connections, and everything that was read for the former user is forgotten. Default: the user never changes.
   *
   * @example
   * <AgentProvider client={client} identity={session?.userId ?? null}>
   */
  identity?: JsonLike
  /** Holds conversations. Default: the `QueryClient` of the app around it, or else its own. */
  queryClient?: QueryClient
  children?: ReactNode
}

export interface AgentContext<TShape extends AgentShape> {
  AgentProvider: (props: AgentProviderProps<TShape>) => ReactNode
  useAgentClient: () => AgentClient<TShape>
}

export function createAgentContext<TShape extends AgentShape>(): AgentContext<TShape> & {
  useShown: () => Shown<TShape>
} {
  const ShownContext = createContext<Shown<TShape> | null>(null)
  const { useClientOf, useForgetting } = createIdentities<TShape>()

  function AgentProvider({ client: given, identity, queryClient, children }: AgentProviderProps<TShape>) {
    const whose = nameOf(identity)
    const client = useClientOf(given, whose)
    const ambient = useContext(QueryClientContext)
    const [own] = useState(() => new QueryClient())
    const chosen = queryClient ?? ambient ?? own
    useForgetting({ given, identity: whose, client }, chosen)
    const root = useRoot(given, whose, chosen)
    const shown = useMemo(() => ({ client, root }), [client, root])
    // In React 18 a context is no component.
    const content = <ShownContext.Provider value={shown}>{children}</ShownContext.Provider>
    return chosen === ambient ? content : <QueryClientProvider client={chosen}>{content}</QueryClientProvider>
  }

  function useShown() {
    const shown = useContext(ShownContext)
    if (shown === null) throw new Error('Agent hooks need an <AgentProvider> above them.')
    return shown
  }

  return { AgentProvider, useShown, useAgentClient: () => useShown().client }
}
