import { hooks, scene } from './scene.tsx'
import { QueryClient, QueryClientProvider, useQueryClient } from '@tanstack/react-query'
import { renderHook } from '@testing-library/react'
import { version } from 'react'
import { version as domVersion } from 'react-dom'
import { renderToString } from 'react-dom/server'
import { describe, expect, it } from 'vitest'

const { AgentProvider, useAgentClient, useAgentRun, useConversations } = hooks

it('is tested on the React of its project', () => {
  expect([version, domVersion].map((text) => text.split('.')[0])).toEqual([
    process.env['REACT'],
    process.env['REACT'],
  ])
})

describe('AgentProvider', () => {
  it('hands its client on', () => {
    const { client, render } = scene()
    expect(render(useAgentClient).result.current).toBe(client)
  })

  it('leaves an app its own QueryClient and keeps conversations in it', async () => {
    const { client } = scene()
    const queryClient = new QueryClient()
    const { result } = renderHook(() => ({ seen: useQueryClient(), conversations: useConversations() }), {
      wrapper: ({ children }) => (
        <QueryClientProvider client={queryClient}>
          <AgentProvider client={client}>{children}</AgentProvider>
        </QueryClientProvider>
      ),
    })
    expect(result.current.seen).toBe(queryClient)
    expect(queryClient.getQueryCache().getAll()).toHaveLength(1)
  })

  it('brings its own where there is none', () => {
    const { client } = scene()
    const { result } = renderHook(() => useQueryClient(), {
      wrapper: ({ children }) => <AgentProvider client={client}>{children}</AgentProvider>,
    })
    expect(result.current).toBeInstanceOf(QueryClient)
  })

  it('renders on a server, where nothing is asked for', () => {
    const { server, client } = scene()
    function Page() {
      const { status } = useAgentRun('019aa000-0000-7000-8000-000000000001')
      return <p>{status}</p>
    }
    const html = renderToString(
      <AgentProvider client={client}>
        <Page />
      </AgentProvider>,
    )
    expect(html).toBe('<p>queued</p>')
    expect(server.requests).toHaveLength(0)
  })

  it('is missed with an error that names it', () => {
    expect(() => renderHook(() => useAgentRun({ agentKey: 'chat' }))).toThrow('<AgentProvider>')
  })
})
