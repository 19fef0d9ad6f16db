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
  /** Of the pages that are kept current. */
  queryKey: QueryKey
  readPage(cursor: string | undefined, signal: AbortSignal): Promise<Page<Run>>
  intervalMs: number | false
}

type Pages = InfiniteData<Page<Run>, string | undefined>

/**
 * Reads the newest page again, and those with runs that are not over. Many pages may be loaded, so the others are left alone. When runs
 * have come or gone, all pages are read again, since each begins where the one before ends.
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
        // Read anew meanwhile: what was read here may be older.
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
    // Nothing to read at first: the pages were read just now.
    initialData: null,
    staleTime: Infinity,
    enabled: intervalMs !== false,
    refetchInterval: intervalMs,
    retry: isWorthRetrying,
  })
}

const isSameList = (one: Page<Run>, other: Page<Run>) =>
  one.count === other.count && one.items.every(({ id }, index) => id === other.items[index]?.id)
