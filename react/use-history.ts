import type { QueryKey, UseQueryResult } from '@tanstack/react-query'
import { hashKey, skipToken, useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef } from 'react'
import type { ConversationSnapshot, ConversationStore } from '../client/conversation-store.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { ConversationDetail } from '../server/contract/conversation.ts'
import type { ConversationInput } from './queries/filters.ts'
import type { Queries } from './use-queries.ts'

interface History {
  query: UseQueryResult<ReadHistory, AgentRuntimeError>
  /** The change of the store after which it was read. */
  readIn: number
  conversation: ConversationDetail | undefined
}

/** A history, and after which change of which store it was read. One that was read ahead tells of none. */
interface ReadHistory extends ConversationDetail {
  readIn?: number
  storeId?: string | undefined
}

interface HistoryOptions extends Omit<ConversationInput, 'conversationId'> {
  conversationId: string | null | undefined
  store: ConversationStore | null
  snapshot: ConversationSnapshot
}

/** The stored part of a conversation, read again when the store tells of a change that it has not. */
export function useHistory(
  { options, keyOf, refresh }: Queries,
  { conversationId, store, snapshot: { change }, ...selection }: HistoryOptions,
): History {
  const history = options.conversations.get({ ...selection, conversationId: conversationId ?? '' })
  const query = useQuery({
    ...history,
    queryKey: conversationId ? history.queryKey : keyOf(['conversations', 'get']),
    queryFn: conversationId
      ? async (context): Promise<ReadHistory> => {
          const readIn = store?.getSnapshot().change ?? 0
          return { ...(await history.queryFn(context)), readIn, storeId: store?.id }
        }
      : skipToken,
    // Older messages are added to those that are shown. Those that somebody else was shown are not.
    placeholderData: (before, former) =>
      before?.id === conversationId && isOfOne(former, history) ? before : undefined,
  })
  const { data, isFetching, refetch } = query
  // A page that is cached, or was read ahead, may be older than the store, which counts from 0.
  const readIn = (data?.storeId === store?.id && data?.readIn) || 0

  useEffect(() => {
    if (data !== undefined) store?.take(data, readIn)
  }, [store, data, readIn])

  // A change that comes while the history is read may not be in it: it is read once more then.
  const asked = useRef({ store, change: 0 })
  useEffect(() => {
    const askedFor = asked.current.store === store ? asked.current.change : 0
    if (data === undefined || isFetching || change <= Math.max(readIn, askedFor)) return
    asked.current = { store, change }
    void refetch()
  }, [store, data, readIn, isFetching, change, refetch])

  // Lists of runs hear of no run by themselves.
  const listed = useRef({ store, change })
  useEffect(() => {
    const isNews = listed.current.store === store && listed.current.change < change
    listed.current = { store, change }
    if (isNews) void refresh('runs', 'list')
  }, [store, change, refresh])

  const conversation = useMemo(() => data && withoutReading(data), [data])
  return { query, readIn, conversation }
}

/** The path of a key begins with who has asked. */
const isOfOne = (one: { queryKey: QueryKey } | undefined, other: { queryKey: QueryKey }) =>
  hashKey([one?.queryKey[0]]) === hashKey([other.queryKey[0]])

const withoutReading = ({ readIn: _readIn, storeId: _storeId, ...page }: ReadHistory): ConversationDetail =>
  page
