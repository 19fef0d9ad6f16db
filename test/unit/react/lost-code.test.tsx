// A page that can't load the code of its streams and tools is told, once.
import './dom.ts'
import { renderHook, waitFor } from '@testing-library/react'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { createAgentClient } from '../../../client/create-client.ts'
import { fakeServer } from '../client/fake-server.ts'
import { createAgentHooks } from '../../../react/create-agent-hooks.ts'
import type { HasAgents } from '../../../server/contract/agent-shape.ts'

type Runtime = HasAgents<{
  key: 'chat'
  params: undefined
  output: null
  events: object
  tools: { pick: { input: object; output: null } }
}>

const loading = vi.hoisted(() => ({ failures: 0 }))
vi.mock(import('../../../client/streams.ts'), async (importOriginal) => {
  const { createStreams } = await importOriginal()
  const fails = async () => {
    // It takes a moment, as over a network.
    await sleep(50)
    throw new TypeError('Failed to fetch dynamically imported module')
  }
  return {
    createStreams: (...given) => {
      loading.failures -= 1
      // The promise is awaited like the code itself.
      return loading.failures < 0 ? createStreams(...given) : (fails() as never)
    },
  }
})
afterEach(() => {
  loading.failures = 0
  vi.restoreAllMocks()
})

it('the tools of a run are given up when the run is, and the page is told once', async () => {
  const server = fakeServer()
  const options = { url: 'http://server.test/trpc', fetch: server.fetch }
  const { id } = await createAgentClient<Runtime>(options).runs.create({ agentKey: 'chat' })
  await waitFor(() => expect(loading.failures).toBe(-1))
  // Delays by chance must not let the tools give up while the run goes on.
  let chance = 0.99
  vi.spyOn(Math, 'random').mockImplementation(() => (chance = 0.99 - chance))
  const client = createAgentClient<Runtime>({
    ...options,
    reconnect: { initialDelayMs: 1_000, maxDelayMs: 1_000, maxFailures: 1 },
  })
  loading.failures = 2
  const hooks = createAgentHooks<Runtime>()
  const codes: string[] = []
  const tools = { pick: () => null }
  const { result } = renderHook(
    () => hooks.useAgentRun(id, { tools, onError: ({ code }) => void codes.push(code) }),
    { wrapper: ({ children }) => <hooks.AgentProvider client={client}>{children}</hooks.AgentProvider> },
  )
  await waitFor(() => expect(result.current.error).toMatchObject({ code: 'unavailable' }))
  expect(server.readers).toBe(0)
  expect(codes).toEqual(['unavailable'])
})
