import { skipToken, useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { ConversationSnapshot } from '../client/conversation-store.ts'
import { withLive } from '../client/live-messages.ts'
import type { LiveMessage } from '../client/live-messages.ts'
import { runInTurn } from '../client/run-in-turn.ts'
import { toAgentError } from '../client/to-agent-error.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { ConversationDetail } from '../server/contract/conversation.ts'
import type { Queries } from './queries.ts'
import { isWorthRetrying } from './queries.ts'
import type { MessageTree } from './use-message-tree.ts'
import { useMessageTree } from './use-message-tree.ts'
import type { TurnQueue } from './use-queue.ts'
import { useQueue } from './use-queue.ts'

export interface ConversationOptions {
  /** Newest messages to read. Default: 100. */
  limit?: number
  /** Also messages of runs that failed, timed out, or were cancelled before they began. Default: false. */
  includeFailedRuns?: boolean
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
    const { limit, includeFailedRuns = false, live = true } = options
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
    const input = conversationId
      ? { conversationId, includeFailedRuns, ...(limit === undefined ? {} : { limit }) }
      : undefined
    const query = useQuery({
      queryKey: keyOf(['conversations', 'get'], input),
      queryFn:
        input === undefined
          ? skipToken
          : async () => {
              const readIn = store?.getSnapshot().change ?? 0
              return { page: await client.conversations.get(input), readIn, storeId: store?.id }
            },
      retry: isWorthRetrying,
      // Older messages are added to those that are shown.
      placeholderData: (before) => (before?.page.id === conversationId ? before : undefined),
    })
    const { data, isFetching, refetch } = query
    // A page that is cached may be older than the store, which counts from 0.
    const readIn = data !== undefined && data.storeId === store?.id ? data.readIn : 0

    useEffect(() => {
      if (data !== undefined) store?.take(data.page, readIn)
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
        withLive(data?.page.messages ?? [], {
          ...snapshot,
          runs: [...snapshot.runs.values()],
          readIn,
        }),
      [data, readIn, snapshot],
    )
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
      conversation: data?.page,
      messages,
      activeRunId: runInTurn(snapshot.runs, turns.queue),
      hasMore: data?.page.hasMore ?? false,
      isLoading: query.isLoading,
      isRecovering: snapshot.isRecovering,
      error,
      refetch: async () => void (await refetch()),
    }
  }
}

const IDLE: ConversationSnapshot = {
  runs: new Map(),
  sending: [],
  change: 0,
  error: null,
  isRecovering: false,
}
const nothing = () => IDLE
const subscribeToNothing = () => () => {}
