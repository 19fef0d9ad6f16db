// tRPC's own React hooks over the runtime's router, for an app that uses tRPC elsewhere too.
import '../../unit/react/dom.ts'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { renderHook, waitFor } from '@testing-library/react'
import { createTRPCReact } from '@trpc/react-query'
import type { ReactNode } from 'react'
import { act } from 'react'
import { expect, expectTypeOf } from 'vitest'
import { z } from 'zod'
import { createLinks } from '../../../client/links.ts'
import { defineAgent } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'

const greeter = defineAgent({
  key: 'greeter',
  params: z.object({ name: z.string() }),
  async run({ params, emitMessage }) {
    await emitMessage(`Hello, ${params.name}.`)
    return { output: null }
  },
})

const PATIENCE = { timeout: 20_000 }

test('queries, mutations and subscriptions of @trpc/react-query have the types of the runtime', async ({
  createServer,
}) => {
  const { runtime } = await createServer({ agents: [greeter] })
  const trpc = createTRPCReact<typeof runtime.router>()
  const queryClient = new QueryClient()
  const client = trpc.createClient({
    links: createLinks({
      url: 'http://runtime.test/trpc',
      fetch: (input, init) => runtime.handler(new Request(input, init)),
    }),
  })
  const wrapper = ({ children }: { children: ReactNode }) => (
    <trpc.Provider client={client} queryClient={queryClient}>
      <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
    </trpc.Provider>
  )

  const create = renderHook(() => trpc.runs.create.useMutation(), { wrapper }).result
  // @ts-expect-error -- its params need a name
  const wrong = () => create.current.mutateAsync({ agentKey: 'greeter', messages: [], params: {} })
  expect(wrong).toBeTypeOf('function')
  const run = await act(() =>
    create.current.mutateAsync({ agentKey: 'greeter', messages: [], params: { name: 'Ada' } }),
  )
  expectTypeOf(run.id).toEqualTypeOf<string>()

  const heard: string[] = []
  renderHook(
    () =>
      trpc.runs.events.useSubscription(
        { runId: run.id },
        {
          onData: ({ data }) =>
            heard.push(data.type === 'assistant.message' ? data.payload.content : data.type),
        },
      ),
    { wrapper },
  )
  await waitFor(() => expect(heard).toContain('run.succeeded'), PATIENCE)
  expect(heard).toContain('Hello, Ada.')

  const list = renderHook(() => trpc.runs.list.useQuery({}), { wrapper }).result
  await waitFor(() => expect(list.current.data?.items.map(({ id }) => id)).toEqual([run.id]), PATIENCE)
  await act(() => queryClient.cancelQueries())
})
