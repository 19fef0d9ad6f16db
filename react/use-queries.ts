import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { AgentQueries } from './queries/agent-queries.ts'
import { queriesWithin } from './queries/agent-queries.ts'
import type { Key, KeyRoot } from './queries/keys.ts'
import { keyWithin } from './queries/keys.ts'

export interface Queries {
  readonly client: AgentClient
  readonly options: AgentQueries
  /** The key of a procedure's answer, or of all answers within a router, for this client only. */
  keyOf(path: readonly string[], input?: object): Key
  /** Reads the shown answers of a router or a procedure again. */
  refresh(...path: string[]): Promise<void>
  /** Reads again what changes when a run begins or ends: conversations and lists of runs. */
  refreshAfterRun(): Promise<void>
}

/** A client, and the beginning of the keys of what it reads. */
export interface Shown<TShape extends AgentShape = AgentShape> {
  client: AgentClient<TShape>
  root: KeyRoot
}

/** Queries through the client of the provider above. */
export function createUseQueries(useShown: () => Shown): () => Queries {
  return function useQueries() {
    const { client, root } = useShown()
    const queryClient = useQueryClient()
    return useMemo(() => {
      const keyOf = (path: readonly string[], input?: object): Key => keyWithin(root, path, input)
      const refresh = (...path: string[]) => {
        const queryKey = keyOf(path)
        // A first read under way may be older than the change, and TanStack Query would wait for it.
        const reading = queryClient
          .getQueryCache()
          .findAll({ queryKey, type: 'active', fetchStatus: 'fetching' })
          .filter((query) => !query.isDisabled() && !query.isStatic())
        for (const query of reading) void query.cancel({ silent: true })
        return queryClient.invalidateQueries({ queryKey })
      }
      const refreshAfterRun = async () =>
        void (await Promise.all([refresh('conversations'), refresh('runs', 'list')]))
      return { client, options: queriesWithin(client, root), keyOf, refresh, refreshAfterRun }
    }, [client, root, queryClient])
  }
}
