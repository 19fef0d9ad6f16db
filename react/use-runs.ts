import { skipToken, useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Run } from '../server/contract/run.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import type { RunsFilter } from './queries/filters.ts'
import type { Queries } from './use-queries.ts'
import { usePolledPages } from './use-polled-pages.ts'

export interface RunsOptions<TKey extends string = string> extends Omit<RunsFilter<TKey>, 'conversationId'> {
  /** Only those of one conversation. Null while there is none yet, which lists no runs. Default: all. */
  conversationId?: string | null
  /**
   * Milliseconds after which the newest page is read again, and so are pages with runs that are not over. Default: 5,000. False: never.
   * A list of runs with a terminal status is never read again either.
   */
  refetchIntervalMs?: number | false
}

export interface RunsView {
  /** Those read so far, newest first. */
  readonly runs: readonly Run[]
  /** How many there are in all. */
  readonly count: number
  readonly hasMore: boolean
  readonly isLoading: boolean
  readonly isLoadingMore: boolean
  readonly error: AgentRuntimeError | null
  /** Reads the next, older page. Never rejects: see `error`. */
  loadMore(): Promise<void>
  /** Reads the list anew. Never rejects: see `error`. */
  refetch(): Promise<void>
}

export type UseRuns<TKey extends string = string> = (options?: RunsOptions<TKey>) => RunsView

/** Lists the caller's runs, or those of others that the caller may see. Reads them again when a run begins or ends on this page. */
export function createUseRuns(useQueries: () => Queries): UseRuns {
  return function useRuns({ refetchIntervalMs = 5_000, conversationId, ...filter } = {}) {
    const { options, keyOf } = useQueries()
    const input = { ...filter, ...(conversationId ? { conversationId } : {}) }
    const isNone = conversationId === null
    const pages = options.runs.list(input)
    const queryKey = isNone ? keyOf(['runs', 'list'], { ...input, conversationId }) : pages.queryKey
    const query = useInfiniteQuery({ ...pages, queryKey, queryFn: isNone ? skipToken : pages.queryFn })
    const isPolled = query.isSuccess && !(input.status !== undefined && isTerminal(input.status))
    const poll = usePolledPages({
      pollKey: keyOf(['runs', 'poll'], input),
      queryKey,
      readPage: (pageParam, signal) => pages.queryFn({ pageParam, signal }),
      intervalMs: isPolled && refetchIntervalMs,
    })
    const { fetchNextPage, refetch } = query
    const runs = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data])
    return {
      runs,
      count: query.data?.pages.at(-1)?.count ?? 0,
      hasMore: query.hasNextPage,
      isLoading: query.isLoading,
      isLoadingMore: query.isFetchingNextPage,
      error: query.error ?? poll.error,
      loadMore: async () => void (await fetchNextPage()),
      refetch: async () => void (await refetch()),
    }
  }
}
