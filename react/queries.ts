import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import { toAgentError } from '../client/to-agent-error.ts'

type Key = readonly unknown[]

export interface Queries {
  readonly client: AgentClient
  /** The key of what a procedure answers, or of all within a router, through this client alone. */
  keyOf(path: readonly string[], input?: object): Key
  /** Reads what is shown of a router or a procedure anew. */
  refresh(...path: string[]): Promise<void>
  /** Reads anew what changes when a run begins or ends: conversations, and lists of runs. */
  refreshAfterRun(): Promise<void>
}

/** Queries through the client of the provider above. */
export function createUseQueries(useAgentClient: () => AgentClient): () => Queries {
  return function useQueries() {
    const client = useAgentClient()
    const queryClient = useQueryClient()
    return useMemo(() => {
      const [all] = keyOfAll(client)
      const keyOf = (path: readonly string[], input?: object): Key => [
        [...all, ...path],
        ...(input === undefined ? [] : [input]),
      ]
      const refresh = (...path: string[]) => queryClient.invalidateQueries({ queryKey: keyOf(path) })
      const refreshAfterRun = async () =>
        void (await Promise.all([refresh('conversations'), refresh('runs', 'list')]))
      return { client, keyOf, refresh, refreshAfterRun }
    }, [client, queryClient])
  }
}

/** The beginning of all keys of what was read through a client. */
export const keyOfAll = (client: Pick<AgentClient, 'trpc'>): readonly [readonly string[]] => [
  ['trpc-agent-runtime', idOf(client)],
]

const ids = new WeakMap<AgentClient['trpc'], string>()
let lastId = 0

/**
 * Names a client in the keys of all that was read through it. Two clients on one `QueryClient` may be of two servers,
 * or of two callers: neither may be shown what the other read.
 */
function idOf({ trpc }: Pick<AgentClient, 'trpc'>): string {
  let id = ids.get(trpc)
  if (id === undefined) ids.set(trpc, (id = String((lastId += 1))))
  return id
}

/** Asked again: what may go better another time. A refusal stays one. */
export function isWorthRetrying(failures: number, error: unknown): boolean {
  const { status, code } = toAgentError(error)
  return failures < 3 && (status >= 500 || code === 'rate_limited')
}
