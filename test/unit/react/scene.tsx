import './dom.ts'
import { QueryClient } from '@tanstack/react-query'
import type { RenderHookResult } from '@testing-library/react'
import { cleanup, configure, renderHook } from '@testing-library/react'
import type { ReactNode } from 'react'
import { StrictMode } from 'react'
import { afterEach } from 'vitest'
import type { AgentClient } from '../../../client/agent-client.ts'
import { createAgentClient } from '../../../client/create-client.ts'
import { createAgentHooks } from '../../../react/create-agent-hooks.ts'
import type { HasAgents, ShapesOf } from '../../../server/contract/agent-shape.ts'
import type { FakeServer } from '../client/fake-server.ts'
import { fakeServer } from '../client/fake-server.ts'

// A second, which is the default, is little on a busy machine.
configure({ asyncUtilTimeout: 30_000 })
afterEach(cleanup)

export type Runtime = HasAgents<
  | {
      key: 'chat'
      params: undefined
      output: { response: string }
      events: { progress: { percent: number } }
    }
  | { key: 'nobody'; params: undefined; output: null; events: Record<never, never> }
>

export const hooks = createAgentHooks<Runtime>()

export interface Scene {
  server: FakeServer
  client: AgentClient<ShapesOf<Runtime>>
  /** Renders a hook like an app: in strict mode, which mounts everything twice. */
  render<TResult, TProps extends object>(
    hook: (props: TProps) => TResult,
    ...props: object extends TProps ? [] : [TProps]
  ): RenderHookResult<TResult, TProps>
}

export function scene(): Scene {
  const server = fakeServer()
  const client = createAgentClient<Runtime>({
    url: 'http://server.test/trpc',
    fetch: server.fetch,
    reconnect: { initialDelayMs: 1, maxDelayMs: 1 },
  })
  const queryClient = new QueryClient()
  const wrapper = ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <hooks.AgentProvider client={client} queryClient={queryClient}>
        {children}
      </hooks.AgentProvider>
    </StrictMode>
  )
  return {
    server,
    client,
    render: (hook, ...[initialProps]) =>
      renderHook(hook, { wrapper, ...(initialProps === undefined ? {} : { initialProps }) }),
  }
}
