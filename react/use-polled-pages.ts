import type { InfiniteData, QueryKey } from '@tanstack/react-query'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { replaced } from '../client/older-runtimes.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Page } from '../server/contract/page.ts'
import type { Run } from '../server/contract/run.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import { isWorthRetrying } from './queries/retry.ts'

interface PolledPages {
  pollKey: QueryKey
  /** The key of the pages that are kept current. */
  queryKey: QueryKey
  readPage(cursor: string | undefined, signal: AbortSignal): Promise<Page<Run>>
  intervalMs: number | false
}

type Pages = InfiniteData<Page<Run>, string | undefined>

/**
 * Reads the newest page again, and the pages with runs that are not over. The others are left alone, since many may be loaded. When
 * runs have come or gone, all pages are read again, since each begins where the one before ends.
 */
export function usePolledPages({ pollKey, queryKey, readPage, intervalMs }: PolledPages) {
  const queryClient = useQueryClient()
  return useQuery<null, AgentRuntimeError>({
    queryKey: pollKey,
    async queryFn({ signal }) {
      const before = queryClient.getQueryData<Pages>(queryKey)
      if (before === undefined) return null
      let { pages } = before
      for (const [index, page] of before.pages.entries()) {
        if (index > 0 && page.items.every(({ status }) => isTerminal(status))) continue
        const read = await readPage(before.pageParams[index], signal)
        // The pages were read anew meanwhile, so this answer may be older.
        if (queryClient.getQueryData(queryKey) !== before) return null
        if (pages.length > 1 && !isSameList(page, read)) {
          await queryClient.invalidateQueries({ queryKey, exact: true })
          return null
        }
        pages = replaced(pages, index, read)
      }
      queryClient.setQueryData<Pages>(queryKey, { ...before, pages })
      return null
    },
    // The pages were read just now, so nothing is read at first.
    initialData: null,
    staleTime: Infinity,
    enabled: intervalMs !== false,
    refetchInterval: intervalMs,
    retry: isWorthRetrying,
  })
}

const isSameList = (one: Page<Run>, other: Page<Run>) =>
  one.count === other.count && one.items.every(({ id }, index) => id === other.items[index]?.id)
