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
  /** The store's newest change when it was read. */
  readIn: number
  conversation: ConversationDetail | undefined
}

/** A history, with its store and the store's newest change when it was read. A history that was read ahead has neither. */
interface ReadHistory extends ConversationDetail {
  readIn?: number
  storeId?: string | undefined
}

interface HistoryOptions extends Omit<ConversationInput, 'conversationId'> {
  conversationId: string | null | undefined
  store: ConversationStore | null
  snapshot: ConversationSnapshot
}

/** The stored part of a conversation. It is read again when the store tells of a change that it lacks. */
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
    // The shown messages stay while older ones are read, but not if another user was shown them.
    placeholderData: (before, former) =>
      before?.id === conversationId && isOfOne(former, history) ? before : undefined,
  })
  const { data, isFetching, refetch } = query
  // A page that is cached or was read ahead may be older than the store, which counts changes from 0.
  const readIn = (data?.storeId === store?.id && data?.readIn) || 0

  useEffect(() => {
    if (data !== undefined) store?.take(data, readIn)
  }, [store, data, readIn])

  // A change that comes while the history is read may be missing from it, so the history is read once more.
  const asked = useRef({ store, change: 0 })
  useEffect(() => {
    const askedFor = asked.current.store === store ? asked.current.change : 0
    if (data === undefined || isFetching || change <= Math.max(readIn, askedFor)) return
    asked.current = { store, change }
    void refetch()
  }, [store, data, readIn, isFetching, change, refetch])

  // Lists of runs do not follow any run, so they are told.
  const listed = useRef({ store, change })
  useEffect(() => {
    const isNews = listed.current.store === store && listed.current.change < change
    listed.current = { store, change }
    if (isNews) void refresh('runs', 'list')
  }, [store, change, refresh])

  const conversation = useMemo(() => data && withoutReading(data), [data])
  return { query, readIn, conversation }
}

/** Whether both queries have one caller, with whom the path of a key begins. */
const isOfOne = (one: { queryKey: QueryKey } | undefined, other: { queryKey: QueryKey }) =>
  hashKey([one?.queryKey[0]]) === hashKey([other.queryKey[0]])

const withoutReading = ({ readIn: _readIn, storeId: _storeId, ...page }: ReadHistory): ConversationDetail =>
  page
