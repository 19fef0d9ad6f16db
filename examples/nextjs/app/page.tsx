import { HydrationBoundary, QueryClient, dehydrate } from '@tanstack/react-query'
import { createAgentClient } from 'trpc-agent-runtime/client'
import { createAgentQueries } from 'trpc-agent-runtime/queries'
import { runtime } from '../lib/runtime'
import { Chat } from './chat'

export const dynamic = 'force-dynamic'

// Calls the runtime within this process. If users sign in, pass their cookie on in its `headers`.
const client = createAgentClient<typeof runtime>({
  url: 'http://runtime/trpc',
  fetch: (input, init) => runtime.handler(new Request(input, init)),
})
const queries = createAgentQueries(client)

export default async function Page({ searchParams }: { searchParams: Promise<{ id?: string }> }) {
  const { id } = await searchParams
  const queryClient = new QueryClient()
  await queryClient.prefetchInfiniteQuery(queries.conversations.list())
  if (id) await queryClient.prefetchQuery(queries.conversations.get({ conversationId: id }))
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <Chat id={id ?? null} />
    </HydrationBoundary>
  )
}
