// A component with hooks of a runtime, over that runtime's own handler.
import '../../unit/react/dom.ts'
import { QueryClient } from '@tanstack/react-query'
import { renderHook } from '@testing-library/react'
import type { ReactNode } from 'react'
import { createAgentClient } from '../../../client/create-client.ts'
import { createAgentHooks } from '../../../react/create-agent-hooks.ts'
import type { AgentShape } from '../../../server/contract/agent-shape.ts'
import type { AgentRuntime } from '../../../server/runtime/agent-runtime.ts'

type Fetch = (request: Request) => Promise<Response>

/** `through` may delay, count or refuse the page's requests. */
export function createHookPage<TShape extends AgentShape>(
  runtime: AgentRuntime<TShape>,
  through: (request: Request, answer: Fetch) => Promise<Response> = (request, answer) => answer(request),
) {
  const client = createAgentClient<AgentRuntime<TShape>>({
    url: 'http://runtime.test/trpc',
    fetch: (input, init) =>
      through(new Request(input, init), async (request) => await runtime.handler(request)),
  })
  const hooks = createAgentHooks<AgentRuntime<TShape>>()
  const queryClient = new QueryClient()
  const wrapper = ({ children }: { children: ReactNode }) => (
    <hooks.AgentProvider client={client} queryClient={queryClient}>
      {children}
    </hooks.AgentProvider>
  )
  return {
    client,
    hooks,
    show: <TView,>(hook: () => TView) => renderHook(hook, { wrapper, reactStrictMode: true }),
  }
}
