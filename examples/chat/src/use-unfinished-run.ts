import { skipToken, useQuery } from '@tanstack/react-query'
import { useAgentClient } from './agents.ts'

/** The newest run of a conversation unless it succeeded: one that goes on over a reload, or what became of it. */
export function useUnfinishedRun(conversationId: string | null): string | null {
  const client = useAgentClient()
  const { data } = useQuery({
    queryKey: ['unfinished-run', conversationId],
    queryFn:
      conversationId === null
        ? skipToken
        : async ({ signal }) => {
            const { items } = await client.runs.list({ conversationId, limit: 1 }, { signal })
            const [newest] = items
            return newest === undefined || newest.status === 'succeeded' ? null : newest.id
          },
    // Asked once for each visit: while it is open the page knows its runs itself.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  })
  return data ?? null
}
