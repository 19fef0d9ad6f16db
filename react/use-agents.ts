import { useQuery } from '@tanstack/react-query'
import type { AgentListing } from '../client/agent-client.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Queries } from './use-queries.ts'

export interface AgentsView<TKey extends string = string> {
  /** Sorted by key, each with a description for people and the JSON Schema of its params. */
  readonly agents: readonly AgentListing<TKey>[]
  readonly isLoading: boolean
  readonly error: AgentRuntimeError | null
  /** Reads the agents anew. Never rejects: see `error`. */
  refetch(): Promise<void>
}

export type UseAgents<TKey extends string = string> = () => AgentsView<TKey>

/** Lists the agents that the caller may see. */
export function createUseAgents(useQueries: () => Queries): UseAgents {
  return function useAgents() {
    const query = useQuery(useQueries().options.agents.list())
    const { data = NO_AGENTS, refetch } = query
    return {
      agents: data,
      isLoading: query.isLoading,
      error: query.error,
      refetch: async () => void (await refetch()),
    }
  }
}

const NO_AGENTS: readonly AgentListing[] = []
