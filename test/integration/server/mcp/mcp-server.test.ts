import { Client, StreamableHTTPClientTransport, withInputRequired } from '@modelcontextprotocol/client'
import type { ElicitResult } from '@modelcontextprotocol/client'
import { describe, expect, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createMcpServer } from '../../../../server/mcp-server/index.ts'
import type { McpServerHandler } from '../../../../server/mcp-server/index.ts'
import { defineAgent, textOf } from '../../../../server/index.ts'
import type { Authenticate } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'

const shop = defineAgent({
  key: 'shop',
  description: 'Sells',
  params: z.object({ units: z.number() }),
  output: z.object({ sold: z.string() }),
  waits: { address: z.object({ street: z.string().min(2) }) },
  async run(ctx) {
    await ctx.emitMessage('Where to?')
    const { value } = await ctx.wait('address')
    const approval = await ctx.approve({ name: 'sell', arguments: { units: ctx.params.units } })
    if (!approval.approved) return { output: { sold: 'nothing' } }
    return { output: { sold: `${ctx.params.units} to ${value.street}` } }
  },
})

const mall = defineAgent({
  key: 'mall',
  description: 'Has the shop sell',
  output: z.object({ sold: z.string() }),
  run: async (ctx) => ({ output: (await ctx.runAgent(shop, { params: { units: 2 } })).output }),
})

const malls = defineAgent({
  key: 'malls',
  description: 'Has two shops sell',
  output: z.object({ sold: z.array(z.string()) }),
  async run(ctx) {
    const both = await Promise.all([2, 3].map((units) => ctx.runAgent(shop, { params: { units } })))
    return { output: { sold: both.map(({ output }) => output.sold) } }
  },
})

const begun = new Map<string, () => void>()
const endless = defineAgent({
  key: 'endless',
  async run(ctx) {
    begun.get(textOf(ctx.messages.at(-1)))?.()
    await new Promise((_, reject) =>
      ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error)),
    )
  },
})

const authenticate: Authenticate = (request) => {
  const id = request.headers.get('authorization')?.replace('Bearer ', '')
  return id === undefined ? null : { id, tenantId: 'acme', kind: 'user' }
}

async function createMcp(createServer: CreateServer) {
  const { runtime, as } = await createServer({ agents: [shop, mall, malls, endless], authenticate })
  const options = { authenticate, agentKeys: ['shop', 'mall', 'malls', 'endless'], hostnames: ['mcp.test'] }
  const mcp = createMcpServer(runtime, options)
  onTestFinished(() => mcp.close())
  return { runtime, mcp, options, as: (user: string) => as({ authorization: `Bearer ${user}` }) }
}

async function connect(
  mcp: McpServerHandler,
  user: string,
  answers: (message: string) => ElicitResult,
  {
    mode = 'auto',
    extensions = {},
  }: { mode?: 'auto' | 'legacy'; extensions?: Record<string, Record<never, never>> } = {},
) {
  const client = new Client(
    { name: 'test', version: '1' },
    { capabilities: { elicitation: { form: {} }, extensions }, versionNegotiation: { mode } },
  )
  client.setRequestHandler('elicitation/create', ({ params: { message } }) => answers(message))
  await client.connect(
    new StreamableHTTPClientTransport(new URL('http://mcp.test/mcp'), {
      requestInit: { headers: { authorization: `Bearer ${user}`, host: 'mcp.test' } },
      fetch: (input, init) => mcp(new Request(input, init)),
    }),
  )
  onTestFinished(() => client.close())
  return client
}

const accept = (content: Record<string, string | boolean>): ElicitResult => ({ action: 'accept', content })

describe('agents as tools of an MCP server', () => {
  test('are runs of whoever calls, who is asked what they wait for', async ({ createServer }) => {
    const { mcp, as } = await createMcp(createServer)
    const asked: string[] = []
    const client = await connect(mcp, 'ann', (message) => {
      asked.push(message)
      return message.startsWith('May') ? accept({ approved: true }) : accept({ street: 'Hollow Way' })
    })
    const { tools } = await client.listTools()
    expect(tools.map(({ name, description }) => ({ name, description }))).toContainEqual({
      name: 'shop',
      description: 'Sells',
    })
    const told: unknown[] = []
    const result = await client.callTool(
      { name: 'shop', arguments: { params: { units: 3 } } },
      { onprogress: ({ message }) => told.push(message) },
    )
    expect(result.structuredContent).toEqual({ sold: '3 to Hollow Way' })
    expect(asked).toEqual(['address: null', 'May sell be run with {"units":3}?'])
    expect(told).toContain('Where to?')
    expect((await as('ann').rest.get('runs')).body).toMatchObject({ results: [{ status: 'succeeded' }] })
    expect((await as('bob').rest.get('runs')).body).toMatchObject({ results: [] })
  })

  test('are asked what a run below them waits for', async ({ createServer }) => {
    const { mcp } = await createMcp(createServer)
    const client = await connect(mcp, 'ann', (message) =>
      message.startsWith('May') ? accept({ approved: true }) : accept({ street: 'Hollow Way' }),
    )
    const result = await client.callTool({ name: 'mall', arguments: {} })
    expect(result.structuredContent).toEqual({ sold: '2 to Hollow Way' })
  })

  test('take a no for an answer, and tell what is refused', async ({ createServer }) => {
    const { mcp } = await createMcp(createServer)
    const client = await connect(mcp, 'ann', (message) =>
      message.startsWith('May') ? { action: 'decline' } : accept({ street: 'Hollow Way' }),
    )
    const sold = await client.callTool({ name: 'shop', arguments: { params: { units: 3 } } })
    expect(sold.structuredContent).toEqual({ sold: 'nothing' })
    const refused = await client.callTool({ name: 'shop', arguments: { params: { units: 'three' } } })
    expect(refused).toMatchObject({ isError: true })
  })

  test('ask for each of two runs below that wait for the same', async ({ createServer }) => {
    const { mcp } = await createMcp(createServer)
    let asked = 0
    const client = await connect(mcp, 'ann', (message) => {
      if (message.startsWith('May')) return accept({ approved: true })
      asked += 1
      return accept({ street: `Street ${asked}` })
    })
    const { structuredContent } = await client.callTool({ name: 'malls', arguments: {} })
    expect((structuredContent as { sold: string[] }).sold.toSorted()).toEqual([
      expect.stringMatching(/^2 to Street [12]$/),
      expect.stringMatching(/^3 to Street [12]$/),
    ])
    expect(asked).toBe(2)
  })

  test('tell whoever declines a question that the run still waits', async ({ createServer }) => {
    const { mcp, as } = await createMcp(createServer)
    const client = await connect(mcp, 'ann', () => ({ action: 'decline' }))
    const result = await client.callTool({ name: 'shop', arguments: { params: { units: 3 } } })
    const text = expect.stringMatching(/still waits for an answer: the question was declined/) as string
    expect(result).toMatchObject({ isError: true, content: [{ text }] })
    expect((await as('ann').rest.get('runs')).body).toMatchObject({ results: [{ status: 'waiting' }] })
  })

  test('ask anew who comes back without an answer', async ({ createServer }) => {
    const { mcp, as } = await createMcp(createServer)
    const client = await connect(mcp, 'ann', () => accept({}))
    const schema = withInputRequired(z.looseObject({}))
    const callShop = (more: object) =>
      client.request(
        { method: 'tools/call', params: { name: 'shop', arguments: { params: { units: 3 } }, ...more } },
        schema,
        { allowInputRequired: true },
      )
    const { requestState } = await callShop({})
    const again = { resultType: 'input_required', requestState, inputRequests: { address: {} } }
    expect(await callShop({ requestState })).toMatchObject(again)
    // An unknown argument starts no other run, and gives no access to another agent's.
    for (const made of ['none', `${String(requestState)}1/2`, String(requestState).split('/')[0]]) {
      await expect(callShop({ requestState: made })).rejects.toMatchObject({ code: -32_602 })
    }
    const strange = { name: 'mall', arguments: {}, requestState }
    expect(await client.request({ method: 'tools/call', params: strange }, schema)).toMatchObject({
      isError: true,
    })
    expect((await as('ann').rest.get('runs')).body).toMatchObject({ results: [{ status: 'waiting' }] })
  })

  test('tell older clients, which can not be asked, that the run waits', async ({ createServer }) => {
    const { mcp, as } = await createMcp(createServer)
    const client = await connect(mcp, 'ann', () => accept({}), { mode: 'legacy' })
    const result = await client.callTool({ name: 'shop', arguments: { params: { units: 3 } } })
    const text = expect.stringMatching(/^The run .* waits for an answer/) as string
    expect(result).toMatchObject({ isError: true, content: [{ text }] })
    expect((await as('ann').rest.get('runs')).body).toMatchObject({ results: [{ status: 'waiting' }] })
  })

  test('cancel their runs with the call', async ({ createServer }) => {
    const { mcp, as } = await createMcp(createServer)
    const client = await connect(mcp, 'ann', () => accept({}))
    const started = new Promise<void>((resolve) => begun.set('cancelled', resolve))
    const controller = new AbortController()
    const call = client.callTool(
      { name: 'endless', arguments: { message: 'cancelled' } },
      { signal: controller.signal },
    )
    await started
    controller.abort()
    await expect(call).rejects.toThrow(/abort/i)
    await expect
      .poll(async () => (await as('ann').rest.get('runs')).body)
      .toMatchObject({ results: [{ status: 'cancelled' }] })
  })

  test('leave their runs alone when the server is closed', async ({ createServer }) => {
    const { runtime, options, as } = await createMcp(createServer)
    let aborted: Promise<unknown> | undefined
    const cancels: string[] = []
    const runs: typeof runtime.runs = {
      ...runtime.runs,
      async cancel(principal, runId) {
        cancels.push(runId)
        return runtime.runs.cancel(principal, runId)
      },
      async follow(principal, { signal, ...given }) {
        aborted = new Promise((resolve) => signal?.addEventListener('abort', resolve))
        return runtime.runs.follow(principal, { ...given, ...(signal && { signal }) })
      },
    }
    const { agents, keptDays } = runtime
    const mcp = createMcpServer({ agents, keptDays, runs, start: () => runtime.start() }, options)
    const client = await connect(mcp, 'ann', () => accept({}))
    const started = new Promise<void>((resolve) => begun.set('left', resolve))
    const call = client.callTool({ name: 'endless', arguments: { message: 'left' } })
    const failure = call.catch((error: unknown) => error)
    await started
    await expect.poll(() => aborted !== undefined).toBe(true)
    await mcp.close()
    await aborted
    await client.close()
    await failure
    expect(cancels).toEqual([])
    const { rest } = as('ann')
    const { body } = await rest.get('runs')
    expect(body).toMatchObject({ results: [{ status: 'running' }] })
    const [run] = z.object({ results: z.array(z.object({ id: z.string() })) }).parse(body).results
    expect((await rest.post(`runs/${run?.id}/cancel`)).status).toBe(200)
    await rest.events(`runs/${run?.id}/events`)
  })

  test.for([
    ['a call', {}],
    ['a task', { 'io.modelcontextprotocol/tasks': {} }],
  ] as const)(
    'cancel a run that was being created when %s was cancelled',
    async ([, extensions], { createServer }) => {
      const { runtime, options, as } = await createMcp(createServer)
      const controller = new AbortController()
      let request: Request | undefined
      const runs: typeof runtime.runs = {
        ...runtime.runs,
        async create(...given) {
          const left = new Promise((resolve) => request?.signal.addEventListener('abort', resolve))
          controller.abort()
          await left
          return runtime.runs.create(...given)
        },
      }
      const { agents, keptDays } = runtime
      const mcp = createMcpServer({ agents, keptDays, runs, start: () => runtime.start() }, options)
      onTestFinished(() => mcp.close())
      const seen = Object.assign((given: Request) => mcp((request = given)), { close: () => mcp.close() })
      const client = await connect(seen, 'ann', () => accept({}), { extensions })
      const call = client.callTool({ name: 'endless', arguments: {} }, { signal: controller.signal })
      await expect(call).rejects.toThrow(/abort/i)
      await expect
        .poll(async () => (await as('ann').rest.get('runs')).body)
        .toMatchObject({ results: [{ status: 'cancelled' }] })
    },
  )

  test.for([
    ['another host', { host: 'evil.test', authorization: 'Bearer ann' }, 403],
    [
      'a page of another origin',
      { host: 'mcp.test', origin: 'https://evil.test', authorization: 'Bearer ann' },
      403,
    ],
    ['nobody', { host: 'mcp.test' }, 401],
  ] as const)('refuse %s', async ([, headers, status], { createServer }) => {
    const { mcp } = await createMcp(createServer)
    const request = new Request('http://mcp.test/mcp', { method: 'POST', headers, body: '{}' })
    expect((await mcp(request)).status).toBe(status)
  })

  test('are refused at start when there are none', async ({ createServer }) => {
    const { runtime, options } = await createMcp(createServer)
    expect(() => createMcpServer(runtime, { ...options, agentKeys: ['nobody'] })).toThrow(
      'There is no agent "nobody".',
    )
  })
})
