import { hashKey, useInfiniteQuery, useMutation } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type {
  Conversation,
  CreateConversationRequest,
  UpdateConversationRequest,
} from '../server/contract/conversation.ts'
import type { OfAgent } from '../server/contract/agent-types.ts'
import type { ConversationsOptions } from './queries/filters.ts'
import type { Queries } from './use-queries.ts'

export interface ConversationsView<TKey extends string = string> {
  /** Those read so far, newest first. */
  readonly conversations: readonly Conversation[]
  /** How many there are in all. */
  readonly count: number
  readonly hasMore: boolean
  readonly isLoading: boolean
  /** The results of the last search are shown while those of the new one are read. */
  readonly isSearching: boolean
  readonly isLoadingMore: boolean
  readonly error: AgentRuntimeError | null
  /** Reads the next, older page. Never rejects: see `error`. */
  loadMore(): Promise<void>
  /** @throws AgentRuntimeError */
  create(input?: OfAgent<CreateConversationRequest, TKey>): Promise<Conversation>
  readonly isCreating: boolean
  /** Changes the given fields of a conversation. @throws AgentRuntimeError */
  update(input: OfAgent<UpdateConversationRequest, TKey | null>): Promise<Conversation>
  /** Deletes a conversation with all its runs. @throws AgentRuntimeError */
  remove(conversationId: string): Promise<void>
}

export type UseConversations<TKey extends string = string> = (
  options?: ConversationsOptions<TKey>,
) => ConversationsView<TKey>

/** Lists the caller's conversations, or those of others that the caller may see, page by page. */
export function createUseConversations(useQueries: () => Queries): UseConversations {
  return function useConversations(filter) {
    const { client, options, refresh } = useQueries()
    const pages = options.conversations.list(filter)
    const query = useInfiniteQuery({
      ...pages,
      // The last result stays when the search changes, but not when another filter does.
      placeholderData: (before, former) =>
        former !== undefined && withoutSearch(former.queryKey) === withoutSearch(pages.queryKey)
          ? before
          : undefined,
    })
    const creation = useMutation({
      mutationFn: (input: CreateConversationRequest) => client.conversations.create(input),
      onSuccess: () => refresh('conversations', 'list'),
    })
    const change = useMutation({
      mutationFn: (input: UpdateConversationRequest) => client.conversations.update(input),
      // The conversation may also be shown by itself.
      onSuccess: () => refresh('conversations'),
    })
    const removal = useMutation({
      mutationFn: (conversationId: string) => client.conversations.delete(conversationId),
      onSuccess: () => refresh('conversations'),
    })
    const conversations = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data])
    return {
      conversations,
      count: query.data?.pages.at(-1)?.count ?? 0,
      hasMore: query.hasNextPage,
      isLoading: query.isLoading,
      isSearching: query.isPlaceholderData,
      isLoadingMore: query.isFetchingNextPage,
      error: query.error,
      loadMore: async () => void (await query.fetchNextPage()),
      create: (input = {}) => creation.mutateAsync(input),
      isCreating: creation.isPending,
      update: (input) => change.mutateAsync(input),
      remove: (conversationId) => removal.mutateAsync(conversationId),
    }
  }
}

/** A query's key without the search. It names the client that asked, so queries of two users differ. */
function withoutSearch([path, input]: readonly unknown[]): string {
  return hashKey([path, { ...(input as object), search: undefined }])
}
