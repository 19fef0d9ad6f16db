// Tools that pages run, over a real server.
import '../../unit/react/dom.ts'
import { renderHook, waitFor } from '@testing-library/react'
import type { ReactNode } from 'react'
import { act } from 'react'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createAgentClient } from '../../../client/create-client.ts'
import type { HookError } from '../../../react/callbacks.ts'
import { createAgentHooks } from '../../../react/create-agent-hooks.ts'
import { createScriptedModel } from '../../../server/models/scripted.ts'
import { defineAgent, defineTool, toolLoop } from '../../../server/index.ts'
import type { Json } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'
import type { CreateServer } from '../../support/runtime.ts'

const PATIENCE = { timeout: 20_000 }

const pay = defineTool({
  name: 'pay',
  description: 'Pays',
  input: z.object({}),
  needsApproval: true,
  execute: () => 'paid',
})

const shopOf = (timeoutMs?: number) =>
  defineAgent({
    key: 'shop',
    waits: {},
    tools: {
      pick_color: {
        description: 'Has the user pick a color',
        input: z.object({ shades: z.number().default(3) }),
        output: z.object({ color: z.enum(['red', 'blue']).transform((color) => color.toUpperCase()) }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      },
    },
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools: [pay, ...ctx.clientTools] })
      return { output: reply.text, messages: reply.messages }
    },
  })

type Shop = { $agents: import('../../../server/index.ts').ShapeOfAgent<ReturnType<typeof shopOf>> }

const pick = (args: Json = {}) => ({ name: 'pick_color', arguments: args })

async function createShop(
  createServer: CreateServer,
  calls: { name: string; arguments: Json }[] = [pick()],
  { timeoutMs, later = [] }: { timeoutMs?: number; later?: { name: string; arguments: Json }[][] } = {},
) {
  const model = createScriptedModel([
    ...[calls, ...later].map((toolCalls) => ({ toolCalls })),
    { text: 'Done.' },
  ])
  const { runtime, rest } = await createServer({
    agents: [shopOf(timeoutMs)],
    model,
    config: { queuePollIntervalSeconds: 0.05 },
  })
  const clientOf = (
    fetch: typeof globalThis.fetch = (input, init) => runtime.handler(new Request(input, init)),
  ) => createAgentClient<Shop>({ url: 'http://runtime.test/trpc', fetch })
  /** What the model was told of the calls. */
  const told = () =>
    model.requests
      .at(-1)
      ?.messages.filter(({ role }) => role === 'tool')
      .map(({ content }) => (content === 'paid' ? content : (JSON.parse(content as string) as Json)))
  return { rest, clientOf, client: clientOf(), told, handler: runtime.handler }
}

describe('a tool that a page runs', () => {
  test('is given its input, and answers the model', async ({ createServer }) => {
    const { client, told } = await createShop(createServer, [pick({ shades: 5 }), pick()])
    const run = await client.runs.create({ agentKey: 'shop' })
    const given: unknown[] = []
    await run.runTools({
      pick_color: (input) => {
        given.push(input)
        return { color: 'red' }
      },
    })
    expect(await run.result()).toBe('Done.')
    expect(given).toEqual(expect.arrayContaining([{ shades: 5 }, { shades: 3 }]))
    expect(told()).toEqual([{ color: 'RED' }, { color: 'RED' }])
  })

  test('is answered by the occurrence that was shown', async ({ createServer }) => {
    const { clientOf, handler } = await createShop(createServer)
    const answers: unknown[] = []
    const client = clientOf(async (input, init) => {
      const request = new Request(input, init)
      if (request.url.includes('runs.respond')) answers.push(await request.clone().json())
      return handler(request)
    })
    const run = await client.runs.create({ agentKey: 'shop' })
    await run.runTools({ pick_color: () => ({ color: 'red' }) })
    expect(JSON.stringify(answers)).toContain('"occurrence":')
  })

  test('is run by one of two tabs, or both, and one is heard', async ({ createServer }) => {
    const { clientOf, client, told } = await createShop(createServer)
    const run = await client.runs.create({ agentKey: 'shop' })
    const both = Promise.withResolvers<void>()
    let began = 0
    const begin = async (color: 'red' | 'blue') => {
      began += 1
      if (began === 2) both.resolve()
      await both.promise
      return { color }
    }
    const other = await clientOf().runs.follow(run.id)
    await Promise.all([
      run.runTools({ pick_color: () => begin('red') }),
      other.runTools({ pick_color: () => begin('blue') }),
    ])
    expect(await run.result()).toBe('Done.')
    expect(['RED', 'BLUE']).toContain((told() as { color: string }[])[0]?.color)
  })

  test('that throws, or answers in another form, is told to the model', async ({ createServer }) => {
    const { client, told } = await createShop(createServer, [pick({ shades: 1 }), pick({ shades: 2 })])
    const run = await client.runs.create({ agentKey: 'shop' })
    await run.runTools({
      pick_color({ shades }) {
        if (shades === 1) throw new Error('The user closed the window.')
        return { color: 'green' as 'red' }
      },
    })
    expect(told()).toEqual([
      { error: 'The user closed the window.' },
      { error: 'What the page made of it is not of the form that the tool declares.' },
    ])
  })

  test('is not asked for with arguments that do not fit', async ({ createServer }) => {
    const { client, told } = await createShop(createServer, [pick({ shades: 'many' })])
    const run = await client.runs.create({ agentKey: 'shop' })
    expect(await run.result()).toBe('Done.')
    expect(told()).toEqual([{ error: expect.stringContaining('not valid') }])
  })

  test('that nobody runs is given up when its time is up', async ({ createServer }) => {
    const { client, told } = await createShop(createServer, [pick()], { timeoutMs: 50 })
    const run = await client.runs.create({ agentKey: 'shop' })
    expect(await run.result()).toBe('Done.')
    expect(told()).toEqual([{ error: 'Nobody ran the tool "pick_color" in time.' }])
  })

  test('is asked for together with an approval, and nothing is run before both are answered', async ({
    createServer,
  }) => {
    const { client, told } = await createShop(createServer, [{ name: 'pay', arguments: {} }, pick()])
    const run = await client.runs.create({ agentKey: 'shop' })
    for await (const event of run.events()) if (event.type === 'run.waiting') break
    const { waits } = await run.get()
    expect(waits.map(({ kind }) => kind).toSorted()).toEqual(['approval', 'input'])
    const done = run.runTools({ pick_color: () => ({ color: 'blue' }) })
    const { name, details } = waits.find(({ kind }) => kind === 'approval') as (typeof waits)[number]
    await run.respond(name as `approve:${string}`, {
      approved: true,
      hash: (details as { hash: string }).hash,
    })
    await done
    expect(told()).toEqual(['paid', { color: 'BLUE' }])
  })

  test('is answered once more when the answer was lost on its way', async ({ createServer }) => {
    const { clientOf, told, handler } = await createShop(createServer)
    let failures = 0
    let runs = 0
    const client = clientOf(async (input, init) => {
      const request = new Request(input, init)
      if (request.url.includes('respond') && (failures += 1) <= 2) throw new TypeError('no network')
      return handler(request)
    })
    const run = await client.runs.create({ agentKey: 'shop' })
    await run.runTools({
      pick_color: () => {
        runs += 1
        return { color: 'blue' }
      },
    })
    expect({ runs, failures }).toEqual({ runs: 1, failures: 3 })
    expect(told()).toEqual([{ color: 'BLUE' }])
  })
})

describe('an answer of a page whose token has run out', () => {
  /** As a server does that does not know the caller's token, so often. */
  async function createRefusing(createServer: CreateServer, refusals: number) {
    const shop = await createShop(createServer)
    let refused = 0
    const client = shop.clientOf(async (input, init) => {
      const request = new Request(input, init)
      if (!request.url.includes('respond') || refused === refusals) return shop.handler(request)
      refused += 1
      const error = {
        message: 'Who are you?',
        code: -32_001,
        data: { code: 'UNAUTHORIZED', httpStatus: 401 },
      }
      return Response.json({ error }, { status: 401 })
    })
    let runs = 0
    const tools = {
      pick_color() {
        runs += 1
        return { color: 'blue' as const }
      },
    }
    return { client, tools, told: shop.told, runs: () => runs }
  }

  test('is given with the next token, and the tool is run once', async ({ createServer }) => {
    const { client, tools, told, runs } = await createRefusing(createServer, 1)
    const run = await client.runs.create({ agentKey: 'shop' })
    await run.runTools(tools)
    expect(runs()).toBe(1)
    expect(told()).toEqual([{ color: 'BLUE' }])
  })

  test('is refused where there is none, and another try runs the tool', async ({ createServer }) => {
    const { client, tools, told, runs } = await createRefusing(createServer, 2)
    const run = await client.runs.create({ agentKey: 'shop' })
    await expect(run.runTools(tools)).rejects.toMatchObject({ code: 'unauthorized' })
    expect(runs()).toBe(1)
    await run.runTools(tools)
    expect(runs()).toBe(2)
    expect(told()).toEqual([{ color: 'BLUE' }])
  })
})

describe('a page with the hook', () => {
  const wrapperOf =
    (hooks: ReturnType<typeof createAgentHooks<Shop>>, client: ReturnType<typeof createAgentClient<Shop>>) =>
    ({ children }: { children: ReactNode }) => (
      <hooks.AgentProvider client={client}>{children}</hooks.AgentProvider>
    )

  test('runs its tools, each call once however often it renders', async ({ createServer }) => {
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

  test('is told of a tool that fails, and of an answer that is refused, once each', async ({
    createServer,
  }) => {
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

  test('is told of an answer that it is not allowed to give, which nobody else hears of', async ({
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

  test('runs the calls that come after one that it is not allowed to answer', async ({ createServer }) => {
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
    // Another page answers that one.
    const other = await clientOf().runs.follow(result.current.runId ?? '')
    const [wait] = (await other.get()).waits
    await other.respond(wait?.name as 'tool:pick_color:1', { result: { color: 'red' } })
    await waitFor(() => expect(result.current.status).toBe('succeeded'), PATIENCE)
    expect({ given, codes }).toEqual({ given: [1, 2], codes: ['forbidden'] })
    expect(told()).toEqual([{ color: 'RED' }, { color: 'BLUE' }])
  })

  test('runs the tools of a conversation, whoever has asked', async ({ createServer }) => {
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

  test('that is reloaded in mid-call runs it anew, and not what was answered before', async ({
    createServer,
  }) => {
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
