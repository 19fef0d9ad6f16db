import { useQueryClient } from '@tanstack/react-query'
import type { getQueryKey } from '@trpc/react-query'
import { createTRPCQueryUtils } from '@trpc/react-query'
import { useMemo } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import { toAgentError } from '../client/to-agent-error.ts'
import type { AgentRouter } from '../server/api/router.ts'

/** The path of a procedure, or of a router for everything within, and an input. */
type TrpcKey = ReturnType<typeof getQueryKey>

export interface Queries {
  readonly client: AgentClient
  /** tRPC's utilities for what is asked of conversations. */
  readonly procedures: ReturnType<typeof createTRPCQueryUtils<AgentRouter>>['conversations']
  /** What tRPC keeps under a key, of this client alone. */
  keyOf(key: TrpcKey): TrpcKey
  /** Reads what is shown of a router or a procedure anew. */
  refresh(...path: string[]): Promise<void>
}

/** tRPC's queries through the client of the provider above. */
export function createUseQueries(useAgentClient: () => AgentClient): () => Queries {
  return function useQueries() {
    const client = useAgentClient()
    const queryClient = useQueryClient()
    return useMemo(() => {
      const { conversations: procedures } = createTRPCQueryUtils<AgentRouter>({
        client: client.trpc,
        queryClient,
      })
      const id = idOf(client)
      const keyOf = ([path, ...input]: TrpcKey): TrpcKey => [['trpc-agent-runtime', id, ...path], ...input]
      const refresh = (...path: string[]) => queryClient.invalidateQueries({ queryKey: keyOf([path]) })
      return { client, procedures, keyOf, refresh }
    }, [client, queryClient])
  }
}

const ids = new WeakMap<AgentClient['trpc'], string>()
let lastId = 0

/**
 * Begins the keys of all that was read through a client, which tRPC's own keys do not name. Two clients on one
 * `QueryClient` may be of two servers, or of two callers: neither may be shown what the other read.
 */
function idOf({ trpc }: AgentClient): string {
  let id = ids.get(trpc)
  if (id === undefined) ids.set(trpc, (id = String((lastId += 1))))
  return id
}

/** Asked again: what may go better another time. A refusal stays one. */
export function isWorthRetrying(failures: number, error: unknown): boolean {
  const { status, code } = toAgentError(error)
  return failures < 3 && (status >= 500 || code === 'rate_limited')
}
