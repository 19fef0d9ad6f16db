import type { DataTag, InfiniteData } from '@tanstack/react-query'
import type { AgentClient, AgentListing } from '../../client/agent-client.ts'
import type { AgentRuntimeError } from '../../server/contract/agent-runtime-error.ts'
import type { AgentShape, KeyOf } from '../../server/contract/agent-shape.ts'
import type { Conversation, ConversationDetail } from '../../server/contract/conversation.ts'
import type { JsonLike } from '../../server/contract/json.ts'
import type { Page } from '../../server/contract/page.ts'
import type { Run, RunDetail } from '../../server/contract/run.ts'
import type { ConversationInput, ConversationsOptions, RunsFilter } from './filters.ts'
import type { Key, KeyRoot } from './keys.ts'
import { keyWithin, nameOf, rootOf } from './keys.ts'
import { isWorthRetrying } from './retry.ts'

/** Options of TanStack's `useQuery`, `useSuspenseQuery`, `prefetchQuery`, `ensureQueryData`, … */
export interface AgentQuery<TData> {
  queryKey: DataTag<Key, TData, AgentRuntimeError>
  queryFn(context: { signal: AbortSignal }): Promise<TData>
  retry(failures: number, error: AgentRuntimeError): boolean
}

/** Options of TanStack's `useInfiniteQuery`, `useSuspenseInfiniteQuery`, `prefetchInfiniteQuery`, … */
export interface AgentPagesQuery<TItem> {
  queryKey: DataTag<Key, InfiniteData<Page<TItem>, string | undefined>, AgentRuntimeError>
  queryFn(context: { signal: AbortSignal; pageParam: string | undefined }): Promise<Page<TItem>>
  initialPageParam: string | undefined
  getNextPageParam(page: Page<TItem>): string | null
  retry(failures: number, error: AgentRuntimeError): boolean
}

/** Options that read what the hooks read, with the hooks' keys. Each `queryKey` is the beginning of all keys below it. */
export interface AgentQueries<TKey extends string = string> {
  readonly queryKey: Key
  readonly conversations: {
    readonly queryKey: Key
    /** Reads a conversation like `useConversation`. */
    get(input: ConversationInput): AgentQuery<ConversationDetail>
    /**
     * Finds the id of the conversation with this key of yours, or null. `useConversation({ externalId })` uses this query.
     *
     * @example
     * const conversationId = await queryClient.fetchQuery(queries.conversations.find({ externalId: 'ticket 17' }))
     * if (conversationId !== null) await queryClient.prefetchQuery(queries.conversations.get({ conversationId }))
     */
    find(input: { externalId: string }): AgentQuery<string | null>
    /** Reads conversations like `useConversations`. */
    list(options?: ConversationsOptions<TKey>): AgentPagesQuery<Conversation>
  }
  readonly runs: {
    readonly queryKey: Key
    get(runId: string): AgentQuery<RunDetail>
    /** Reads runs like `useRuns`. */
    list(filter?: RunsFilter<TKey>): AgentPagesQuery<Run>
  }
  readonly agents: {
    readonly queryKey: Key
    /** Reads agents like `useAgents`. */
    list(): AgentQuery<AgentListing<TKey>[]>
  }
}

export interface AgentQueriesOptions {
  /** The user of the page. Pass what `AgentProvider` has as its `identity`. Default: none, as there. */
  identity?: JsonLike
}

/**
 * Creates options for TanStack Query with which a server reads ahead what the hooks show in their first render. It needs no
 * React, so server components may call it.
 *
 * @example
 * const queries = createAgentQueries(client, { identity: userId })
 * await queryClient.prefetchQuery(queries.conversations.get({ conversationId }))
 * await queryClient.prefetchInfiniteQuery(queries.conversations.list())
 * return <HydrationBoundary state={dehydrate(queryClient)}>…</HydrationBoundary>
 */
export function createAgentQueries<TShape extends AgentShape>(
  client: AgentClient<TShape>,
  { identity }: AgentQueriesOptions = {},
): AgentQueries<KeyOf<TShape>> {
  // The server has only the agents of the runtime.
  return queriesWithin(client as unknown as AgentClient, rootOf(client.name, nameOf(identity)))
}

export function queriesWithin(client: AgentClient, root: KeyRoot): AgentQueries {
  const key = (path: readonly string[], input?: object) =>
    keyWithin(root, path, input) as DataTag<Key, never, AgentRuntimeError>
  const query = <TData>(
    path: readonly string[],
    input: object | undefined,
    queryFn: AgentQuery<TData>['queryFn'],
  ): AgentQuery<TData> => ({ queryKey: key(path, input), queryFn, retry: isWorthRetrying })
  const pages = {
    initialPageParam: undefined,
    getNextPageParam: (page: Page<unknown>) => page.nextCursor,
    retry: isWorthRetrying,
  }
  return {
    queryKey: key([]),
    conversations: {
      queryKey: key(['conversations']),
      get({ includeFailedRuns = false, includeDebug = false, ...place }) {
        const input = { ...place, includeFailedRuns, ...(includeDebug && { includeDebug }) }
        return query(['conversations', 'get'], input, () => client.conversations.get(input))
      },
      find: ({ externalId }) =>
        query(['conversations', 'find'], { externalId }, async () => {
          // Archived conversations keep their key.
          const { items } = await client.conversations.list({ externalId, archived: 'all', limit: 1 })
          return items[0]?.id ?? null
        }),
      list({ search = '', ...filter } = {}) {
        const input = { ...filter, ...(search.trim() && { search }) }
        return {
          ...pages,
          queryKey: key(['conversations', 'list'], input),
          queryFn: ({ pageParam }) => client.conversations.list({ ...input, cursor: pageParam }),
        }
      },
    },
    runs: {
      queryKey: key(['runs']),
      get: (runId) => query(['runs', 'get'], { runId }, ({ signal }) => client.runs.get(runId, { signal })),
      list: (filter = {}) => ({
        ...pages,
        queryKey: key(['runs', 'list'], filter),
        queryFn: ({ pageParam, signal }) => client.runs.list({ ...filter, cursor: pageParam }, { signal }),
      }),
    },
    agents: {
      queryKey: key(['agents']),
      list: () => query(['agents', 'list'], undefined, ({ signal }) => client.agents.list({ signal })),
    },
  }
}
