import { skipToken, useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useRef } from 'react'
import type { ConversationSnapshot } from '../client/conversation-store.ts'
import type { QueuedTurn } from '../server/contract/queued-turn.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import type { Queries } from './use-queries.ts'
import { isWorthRetrying } from './queries/retry.ts'

export interface TurnQueue {
  /** The runs that wait for their turn, the next one first. */
  readonly queue: readonly QueuedTurn[]
  /** Moves one of them before or after another one. @throws AgentRuntimeError `conflict` if either has begun by then */
  moveTurn(runId: string, place: { before: string } | { after: string }): Promise<void>
  /** Cancels one of them. @throws AgentRuntimeError */
  dropTurn(runId: string): Promise<void>
}

/**
 * Reads the queue once the history is read, since no event tells of runs that waited before. While runs wait or several are under way,
 * reads it again when a run begins, ends or is moved.
 */
export function useQueue(
  { client, keyOf, refresh, refreshAfterRun }: Queries,
  conversationId: string | null | undefined,
  snapshot: ConversationSnapshot & { isFollowed: boolean },
): TurnQueue {
  const { change, isFollowed } = snapshot
  const open = openRunsOf(snapshot)
  const news = [conversationId, change, open].join()
  const { data, isFetching, refetch } = useQuery({
    queryKey: keyOf(['conversations', 'queue'], { conversationId }),
    queryFn:
      conversationId && isFollowed
        ? async () => ({ turns: await client.conversations.queue(conversationId), news })
        : skipToken,
    // Moves are told only while the stream is open, so a page that is shown again reads the queue again.
    staleTime: 0,
    retry: isWorthRetrying,
  })
  const askedFor = useRef('')
  const mayWait = open.includes(',') || (data?.turns.length ?? 0) > 0
  useEffect(() => {
    if (data === undefined || isFetching || !mayWait || [data.news, askedFor.current].includes(news)) return
    askedFor.current = news
    void refetch()
  }, [data, isFetching, mayWait, news, refetch])

  const moveTurn = useCallback<TurnQueue['moveTurn']>(
    async (runId, place) => {
      await client.conversations.move({ conversationId: conversationId ?? '', runId, ...place })
      await refresh('conversations')
    },
    [client, conversationId, refresh],
  )
  const dropTurn = useCallback<TurnQueue['dropTurn']>(
    async (runId) => {
      await client.runs.cancel(runId)
      await refreshAfterRun()
    },
    [client, refreshAfterRun],
  )
  return { queue: (isFollowed && data?.turns) || NO_TURNS, moveTurn, dropTurn }
}

/** The runs under way and their statuses. */
export const openRunsOf = ({ runs }: ConversationSnapshot): string =>
  [...runs.values()]
    .filter(({ state }) => !isTerminal(state.status))
    .map(({ runId, state }) => `${runId} ${state.status}`)
    .join()

const NO_TURNS: readonly QueuedTurn[] = []
