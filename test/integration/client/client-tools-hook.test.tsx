// Tools that pages run with the hooks, over a real server.
import '../../unit/react/dom.ts'
import { renderHook, waitFor } from '@testing-library/react'
import type { ReactNode } from 'react'
import { act } from 'react'
import { describe, expect } from 'vitest'
import { createAgentClient } from '../../../client/create-client.ts'
import type { HookError } from '../../../react/callbacks.ts'
import { createAgentHooks } from '../../../react/create-agent-hooks.ts'
import { test } from '../../support/runtime.ts'
import { createShop, pick } from './client-tools-scene.ts'
import type { Shop } from './client-tools-scene.ts'

const PATIENCE = { timeout: 20_000 }

describe('a page with the hook', () => {
  const wrapperOf =
    (hooks: ReturnType<typeof createAgentHooks<Shop>>, client: ReturnType<typeof createAgentClient<Shop>>) =>
    ({ children }: { children: ReactNode }) => (
      <hooks.AgentProvider client={client}>{children}</hooks.AgentProvider>
    )

  test('runs each tool call once, however often it renders', async ({ createServer }) => {
    const { client, told } = await createShop(createServer)
    const hooks = createAgentHooks<Shop>()
    let runs = 0
    const { result, rerender } = renderHook(
      () =>
        hooks.useAgentRun({
          agentKey: 'shop',
          tools: {
            pick_color: async () => {
              runs += 1
              return { color: 'red' }
            },
          },
        }),
      { wrapper: wrapperOf(hooks, client), reactStrictMode: true },
    )
    await act(async () => void (await result.current.start({})))
    rerender()
    await waitFor(() => expect(result.current.status).toBe('succeeded'), PATIENCE)
    expect(runs).toBe(1)
    expect(told()).toEqual([{ color: 'RED' }])
  })

  test('reports a tool that fails and an answer that is refused, once each', async ({ createServer }) => {
    const { client, told } = await createShop(createServer, [pick({ shades: 1 }), pick({ shades: 2 })])
    const hooks = createAgentHooks<Shop>()
    const errors: HookError[] = []
    const { result } = renderHook(
      () =>
        hooks.useAgentRun({
          agentKey: 'shop',
          tools: {
            pick_color({ shades }) {
              if (shades === 1) throw new RangeError('The user closed the window.')
              return { color: 'green' as 'red' }
            },
          },
          onError(error) {
            errors.push(error)
          },
        }),
      { wrapper: wrapperOf(hooks, client), reactStrictMode: true },
    )
    await act(async () => void (await result.current.start({})))
    await waitFor(() => expect(result.current.status).toBe('succeeded'), PATIENCE)
    expect(told()).toHaveLength(2)
    expect(errors.toSorted((one, other) => one.code.localeCompare(other.code))).toEqual([
      {
        code: 'tool_failed',
        message: 'The user closed the window.',
        details: { tool: 'pick_color', toolCallId: expect.any(String) },
        cause: expect.any(RangeError),
      },
      expect.objectContaining({
        code: 'validation_failed',
        details: { tool: 'pick_color', toolCallId: expect.any(String) },
      }),
    ])
  })

  test('reports an answer that it is not allowed to give, and leaves the run waiting', async ({
    createServer,
  }) => {
    const { clientOf, client: other, handler } = await createShop(createServer)
    const client = clientOf(async (input, init) => {
      const request = new Request(input, init)
      if (!request.url.includes('respond')) return handler(request)
      const data = { code: 'FORBIDDEN', httpStatus: 403 }
      return Response.json({ error: { message: 'Not yours.', code: -32_003, data } }, { status: 403 })
    })
    const hooks = createAgentHooks<Shop>()
    const codes: string[] = []
    const tools = { pick_color: () => ({ color: 'blue' as const }) }
    const onError = ({ code }: HookError) => void codes.push(code)
    const { result } = renderHook(() => hooks.useAgentRun({ agentKey: 'shop', tools, onError }), {
      wrapper: wrapperOf(hooks, client),
    })
    await act(async () => void (await result.current.start({})))
    await waitFor(() => expect(codes).toEqual(['forbidden']), PATIENCE)
    expect(result.current).toMatchObject({ status: 'waiting', error: null })
    await other.runs.cancel(result.current.runId ?? '')
    await waitFor(() => expect(result.current.status).toBe('cancelled'), PATIENCE)
  })

  test('runs later calls after one that it is not allowed to answer', async ({ createServer }) => {
    const { clientOf, told, handler } = await createShop(createServer, [pick({ shades: 1 })], {
      later: [[pick({ shades: 2 })]],
    })
    let refusals = 0
    const client = clientOf(async (input, init) => {
      const request = new Request(input, init)
      if (!request.url.includes('respond') || refusals > 0) return handler(request)
      refusals += 1
      const data = { code: 'FORBIDDEN', httpStatus: 403 }
      return Response.json({ error: { message: 'Not yet.', code: -32_003, data } }, { status: 403 })
    })
    const hooks = createAgentHooks<Shop>()
    const codes: string[] = []
    const given: number[] = []
    const tools = {
      pick_color({ shades }: { shades: number }) {
        given.push(shades)
        return { color: 'blue' as const }
      },
    }
    const onError = ({ code }: HookError) => void codes.push(code)
    const { result } = renderHook(() => hooks.useAgentRun({ agentKey: 'shop', tools, onError }), {
      wrapper: wrapperOf(hooks, client),
    })
    await act(async () => void (await result.current.start({})))
    await waitFor(() => expect(codes).toEqual(['forbidden']), PATIENCE)
    // Another page answers the first call.
    const other = await clientOf().runs.follow(result.current.runId ?? '')
    const [wait] = (await other.get()).waits
    await other.respond(wait?.name as 'tool:pick_color:1', { result: { color: 'red' } })
    await waitFor(() => expect(result.current.status).toBe('succeeded'), PATIENCE)
    expect({ given, codes }).toEqual({ given: [1, 2], codes: ['forbidden'] })
    expect(told()).toEqual([{ color: 'RED' }, { color: 'BLUE' }])
  })

  test('runs the tools of a run that somebody else began in its conversation', async ({ createServer }) => {
    const { client, told } = await createShop(createServer)
    const hooks = createAgentHooks<Shop>()
    const { id } = await client.conversations.create()
    const finished: string[] = []
    const page = renderHook(
      () =>
        hooks.useConversation(id, {
          tools: { pick_color: () => ({ color: 'blue' }) },
          onFinish: ({ status }) => void finished.push(status),
          select: (view) => view.conversation?.id,
        }),
      { wrapper: wrapperOf(hooks, client) },
    )
    await waitFor(() => expect(page.result.current).toBe(id), PATIENCE)
    await client.runs.create({ agentKey: 'shop', conversationId: id })
    await waitFor(() => expect(finished).toEqual(['succeeded']), PATIENCE)
    expect(told()).toEqual([{ color: 'BLUE' }])
    page.unmount()
  })

  test('runs an unanswered call again after a reload, but no answered call', async ({ createServer }) => {
    const { client, clientOf, told } = await createShop(createServer, [
      pick({ shades: 1 }),
      pick({ shades: 2 }),
    ])
    const hooks = createAgentHooks<Shop>()
    const run = await client.runs.create({ agentKey: 'shop' })
    const begun = Promise.withResolvers<void>()
    const first = renderHook(
      () =>
        hooks.useAgentRun(run.id, {
          tools: {
            pick_color({ shades }) {
              if (shades === 1) return { color: 'red' }
              begun.resolve()
              return new Promise<never>(() => {})
            },
          },
        }),
      { wrapper: wrapperOf(hooks, client) },
    )
    await act(() => begun.promise)
    await waitFor(async () => expect((await run.get()).waits).toHaveLength(1), PATIENCE)
    first.unmount()
    const again: number[] = []
    const second = renderHook(
      () =>
        hooks.useAgentRun(run.id, {
          tools: {
            pick_color({ shades }) {
              again.push(shades)
              return { color: 'blue' }
            },
          },
        }),
      { wrapper: wrapperOf(hooks, clientOf()) },
    )
    await waitFor(() => expect(second.result.current.status).toBe('succeeded'), PATIENCE)
    expect(again).toEqual([2])
    expect(told()).toEqual([{ color: 'RED' }, { color: 'BLUE' }])
  })
})
