import { keepPreviousData, skipToken, useQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import type { ConversationSnapshot } from '../client/conversation-store.ts'
import type { QueuedTurn } from '../server/contract/queued-turn.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import type { Queries } from './queries.ts'
import { isWorthRetrying } from './queries.ts'

export interface TurnQueue {
  /** The runs that wait for their turn, the next one first. */
  readonly queue: readonly QueuedTurn[]
  /** Has one of them come before or after another one. @throws AgentRuntimeError `conflict` where either has begun by then */
  moveTurn(runId: string, place: { before: string } | { after: string }): Promise<void>
  /** Cancels one of them. @throws AgentRuntimeError */
  dropTurn(runId: string): Promise<void>
}

/** The queue is asked for while several runs are under way, and again when one of them begins or ends. */
export function useQueue(
  { client, keyOf, refresh }: Queries,
  conversationId: string | null | undefined,
  { runs }: ConversationSnapshot,
): TurnQueue {
  const open = [...runs.values()].filter(({ state }) => !isTerminal(state.status))
  const isAsked = conversationId && open.length > 1
  const { data } = useQuery({
    queryKey: keyOf(['conversations', 'queue'], {
      conversationId,
      open: open.map(({ runId, state }) => `${runId} ${state.status}`),
    }),
    queryFn: isAsked ? () => client.conversations.queue(conversationId) : skipToken,
    placeholderData: keepPreviousData,
    retry: isWorthRetrying,
  })
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
      await refresh('conversations')
    },
    [client, refresh],
  )
  return { queue: isAsked ? (data ?? NO_TURNS) : NO_TURNS, moveTurn, dropTurn }
}

const NO_TURNS: readonly QueuedTurn[] = []
