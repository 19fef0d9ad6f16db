import { skipToken, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { toAgentError } from '../client/to-agent-error.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { ConversationDetail } from '../server/contract/conversation.ts'
import type { HistoryMessage } from '../server/contract/message.ts'
import type { Queries } from './queries.ts'
import { isWorthRetrying } from './queries.ts'
import type { MessageTree } from './use-message-tree.ts'
import { useMessageTree } from './use-message-tree.ts'

export interface ConversationOptions {
  /** Newest messages to read. Default: 100. */
  limit?: number
  /** Also messages of runs that failed, timed out, or were cancelled before they began. Default: false. */
  includeFailedRuns?: boolean
}

export interface ConversationView extends MessageTree {
  /** Undefined until it was read, and while there is none. */
  readonly conversation: ConversationDetail | undefined
  /** Oldest first. */
  readonly messages: readonly HistoryMessage[]
  /** There are older messages than `limit` lets through. */
  readonly hasMore: boolean
  readonly isLoading: boolean
  readonly error: AgentRuntimeError | null
  /** Reads it anew. Never rejects: see `error`. */
  refetch(): Promise<void>
}

export type UseConversation = (
  conversationId: string | null | undefined,
  options?: ConversationOptions,
) => ConversationView

/** A conversation's history, read again whenever a run shown by `useAgentRun` begins or ends. */
export function createUseConversation(useQueries: () => Queries): UseConversation {
  return function useConversation(conversationId, { limit, includeFailedRuns = false } = {}) {
    const queries = useQueries()
    const { client, keyOf } = queries
    const input = conversationId
      ? { conversationId, includeFailedRuns, ...(limit === undefined ? {} : { limit }) }
      : undefined
    const query = useQuery({
      queryKey: keyOf(['conversations', 'get'], input),
      queryFn: input === undefined ? skipToken : () => client.conversations.get(input),
      retry: isWorthRetrying,
    })
    const error = useMemo(() => (query.error === null ? null : toAgentError(query.error)), [query.error])
    const messages = query.data?.messages ?? NO_MESSAGES
    const tree = useMessageTree(queries, conversationId, messages)
    return {
      ...tree,
      conversation: query.data,
      messages,
      hasMore: query.data?.hasMore ?? false,
      isLoading: query.isLoading,
      error,
      refetch: async () => void (await query.refetch()),
    }
  }
}

const NO_MESSAGES: readonly HistoryMessage[] = []
