import { skipToken, useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { toAgentError } from '../client/to-agent-error.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Run, RunStatus } from '../server/contract/run.ts'
import type { Scope } from '../server/contract/scope.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import type { Queries } from './queries.ts'
import { isWorthRetrying } from './queries.ts'
import { usePolledPages } from './use-polled-pages.ts'

export interface RunsOptions<TKey extends string = string> {
  /** Only those of one agent. Default: all. */
  agentKey?: TKey
  /** Only those that are at this by now. Default: all. */
  status?: RunStatus
  /** Only those of one conversation; null while there is none yet, and no runs. Default: all. */
  conversationId?: string | null
  /** Only those that this run has started. */
  parentRunId?: string
  /** Runs a page, at most 200. Default: 50. */
  limit?: number
  /** Whose, as far as the server allows. Default: `own`. */
  scope?: Scope
  /**
   * Milliseconds after which the newest page is read again, and those with runs that are not over. Default: 5,000; false: never, as is a
   * list of a status in which runs are over.
   */
  refetchIntervalMs?: number | false
}

export interface RunsView {
  /** Newest first, as far as they were read. */
  readonly runs: readonly Run[]
  /** How many there are in all. */
  readonly count: number
  readonly hasMore: boolean
  readonly isLoading: boolean
  readonly isLoadingMore: boolean
  readonly error: AgentRuntimeError | null
  /** Reads the next, older page. Never rejects: see `error`. */
  loadMore(): Promise<void>
  /** Reads it anew. Never rejects: see `error`. */
  refetch(): Promise<void>
}

export type UseRuns<TKey extends string = string> = (options?: RunsOptions<TKey>) => RunsView

/** The caller's runs, or those of others that the caller may see. The list is read again when this page starts one, or sees one begin or end. */
export function createUseRuns(useQueries: () => Queries): UseRuns {
  return function useRuns({ refetchIntervalMs = 5_000, conversationId, ...filter } = {}) {
    const { client, keyOf } = useQueries()
    const input = { ...filter, ...(conversationId ? { conversationId } : {}) }
    const isNone = conversationId === null
    const queryKey = keyOf(['runs', 'list'], isNone ? { ...input, conversationId } : input)
    const readPage = (cursor: string | undefined, signal: AbortSignal) =>
      client.runs.list({ ...input, cursor }, { signal })
    const query = useInfiniteQuery({
      queryKey,
      queryFn: isNone ? skipToken : ({ pageParam, signal }) => readPage(pageParam, signal),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.nextCursor,
      retry: isWorthRetrying,
    })
    const isPolled = query.isSuccess && !(input.status !== undefined && isTerminal(input.status))
    const poll = usePolledPages({
      pollKey: keyOf(['runs', 'poll'], input),
      queryKey,
      readPage,
      intervalMs: isPolled && refetchIntervalMs,
    })
    const { fetchNextPage, refetch } = query
    const failure = query.error ?? poll.error
    const error = useMemo(() => (failure === null ? null : toAgentError(failure)), [failure])
    const runs = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data])
    return {
      runs,
      count: query.data?.pages.at(-1)?.count ?? 0,
      hasMore: query.hasNextPage,
      isLoading: query.isLoading,
      isLoadingMore: query.isFetchingNextPage,
      error,
      loadMore: async () => void (await fetchNextPage()),
      refetch: async () => void (await refetch()),
    }
  }
}
