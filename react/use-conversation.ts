import { hashKey, skipToken, useQuery } from '@tanstack/react-query'
import type { QueryKey } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { ConversationSnapshot } from '../client/conversation-store.ts'
import { withLive } from '../client/live-messages.ts'
import type { LiveMessage } from '../client/live-messages.ts'
import { runInTurn } from '../client/run-in-turn.ts'
import { toAgentError } from '../client/to-agent-error.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { ConversationDetail } from '../server/contract/conversation.ts'
import type { ConversationInput } from './queries/filters.ts'
import type { Queries } from './use-queries.ts'
import type { MessageTree } from './use-message-tree.ts'
import { useMessageTree } from './use-message-tree.ts'
import type { TurnQueue } from './use-queue.ts'
import { useQueue } from './use-queue.ts'

export interface ConversationOptions extends Omit<ConversationInput, 'conversationId'> {
  /** Shows what is asked and answered as it comes, by whomever. Default: true. */
  live?: boolean
}

export interface ConversationView extends MessageTree, TurnQueue {
  /** Undefined until it was read, and while there is none. */
  readonly conversation: ConversationDetail | undefined
  /**
   * Stored messages and live ones, oldest first. A live message is `pending`: `sending` until the server has this client's message,
   * `streaming` until an answer is complete.
   */
  readonly messages: readonly LiveMessage[]
  /**
   * The run whose turn it is: one that is being answered, or waits for somebody, or is the next to begin. Null where none is under way.
   * `useAgentRun(activeRunId)` shows it, whoever has asked, also after the page was loaded anew.
   */
  readonly activeRunId: string | null
  /** There are older messages than `limit` lets through. */
  readonly hasMore: boolean
  readonly isLoading: boolean
  /** The connection was lost and is being opened again. */
  readonly isRecovering: boolean
  readonly error: AgentRuntimeError | null
  /** Reads it anew. Never rejects: see `error`. */
  refetch(): Promise<void>
}

export type UseConversation = (
  conversationId: string | null | undefined,
  options?: ConversationOptions,
) => ConversationView

/** A conversation as it goes on: its history, read again whenever a run begins or ends, with what is said meanwhile. */
export function createUseConversation(useQueries: () => Queries): UseConversation {
  return function useConversation(conversationId, options = {}) {
    const { live = true, ...selection } = options
    const queries = useQueries()
    const { client, keyOf, refresh } = queries
    const store = useMemo(
      () => (conversationId && live ? client.conversations.store(conversationId) : null),
      [client, conversationId, live],
    )
    const snapshot = useSyncExternalStore(
      store?.subscribe ?? subscribeToNothing,
      store?.getSnapshot ?? nothing,
      nothing,
    )
    const history = queries.options.conversations.get({ ...selection, conversationId: conversationId ?? '' })
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
    const { change } = snapshot
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

    const messages = useMemo(
      () =>
        withLive(data?.messages ?? [], {
          ...snapshot,
          runs: [...snapshot.runs.values()],
          readIn,
        }),
      [data, readIn, snapshot],
    )
    const conversation = useMemo(() => data && withoutReading(data), [data])
    const error = useMemo(
      () => (query.error === null ? snapshot.error : toAgentError(query.error)),
      [query.error, snapshot.error],
    )
    const tree = useMessageTree(queries, conversationId, messages)
    const turns = useQueue(queries, conversationId, {
      ...snapshot,
      isFollowed: store !== null && data !== undefined,
    })
    return {
      ...tree,
      ...turns,
      conversation,
      messages,
      activeRunId: runInTurn(snapshot.runs, turns.queue),
      hasMore: data?.hasMore ?? false,
      isLoading: query.isLoading,
      isRecovering: snapshot.isRecovering,
      error,
      refetch: async () => void (await refetch()),
    }
  }
}

/** A history, and after which change of which store it was read. */
interface ReadHistory extends ConversationDetail {
  readIn?: number
  storeId?: string | undefined
}

/** The path of a key begins with who has asked. */
const isOfOne = (one: { queryKey: QueryKey } | undefined, other: { queryKey: QueryKey }) =>
  hashKey([one?.queryKey[0]]) === hashKey([other.queryKey[0]])

const withoutReading = ({ readIn: _readIn, storeId: _storeId, ...page }: ReadHistory): ConversationDetail =>
  page

const IDLE: ConversationSnapshot = {
  runs: new Map(),
  sending: [],
  change: 0,
  error: null,
  isRecovering: false,
}
const nothing = () => IDLE
const subscribeToNothing = () => () => {}
