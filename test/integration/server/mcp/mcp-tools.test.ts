import { createMcpHandler } from '@modelcontextprotocol/server'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished } from 'vitest'
import { mcpTools } from '../../../../server/mcp/index.ts'
import type { McpTools } from '../../../../server/mcp/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { defineAgent, toolLoop } from '../../../../server/index.ts'
import type { AnyTool, Json } from '../../../../server/index.ts'
import { createMcpServer } from '../../../fixtures/mcp/server.ts'
import type { Seen } from '../../../fixtures/mcp/server.ts'
import { test } from '../../../support/runtime.ts'

const stdioOf = (name: string) => ({
  command: process.execPath,
  args: [fileURLToPath(new URL(`../../../fixtures/mcp/${name}.ts`, import.meta.url))],
})

const agentOf = (tools: McpTools, more: AnyTool[] = []) =>
  defineAgent({
    key: 'agent',
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools: [tools, ...more] })
      return { output: reply.text, messages: reply.messages }
    },
  })

const call = (name: string, args: Json = {}) => ({ toolCalls: [{ name, arguments: args }] })
const DEBUG = 'events?include_debug=1'

type Options = Partial<Parameters<typeof mcpTools>[0]>

/** A server over HTTP. Tests see the requests to it and can refuse them. */
function httpTools(seen: Seen = {}, options: Options = {}) {
  const handler = createMcpHandler(() => createMcpServer(seen))
  const requests: Request[] = []
  const state = { isDown: false, handler }
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    if (state.isDown) throw new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })
    requests.push(request.clone())
    return handler.fetch(request)
  }
  const tools = mcpTools({ url: 'http://mcp.test/mcp', fetch, ...options })
  onTestFinished(() => tools.close())
  return { tools, requests, state }
}

function stdioTools(options: Options = {}) {
  const tools = mcpTools({ ...stdioOf('stdio'), ...options })
  onTestFinished(() => tools.close())
  return { tools }
}

type Event = { type: string; [field: string]: unknown }
const resultsOf = (events: readonly Event[]) =>
  events.filter(({ type }) => type === 'tool.result').map((event) => event['result'])

describe.each([
  ['over HTTP', () => httpTools()],
  ['over stdio', () => stdioTools()],
])('tools of an MCP server %s', (_, create) => {
  test('are offered, run, and their errors told to the model', async ({ createServer }) => {
    const { tools } = create()
    const model = createScriptedModel([
      call('add', { a: 1, b: 2 }),
      call('add', { a: 'one' }),
      call('fail'),
      call('files_read_all'),
      { text: 'Done.' },
    ])
    const { rest } = await createServer({ agents: [agentOf(tools)], model })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(resultsOf(events)).toEqual([
      { sum: 3 },
      { error: expect.stringMatching(/expected number/) },
      { error: 'There is no such thing.' },
      'one\ntwo',
    ])
    expect(model.requests[0]?.tools?.[0]).toMatchObject({
      name: 'add',
      description: 'Adds',
      parameters: { type: 'object', required: ['a', 'b'] },
    })
    const progress = events.filter(({ type }) => type === 'tool.progress').map((event) => event['progress'])
    expect(progress).toContainEqual({ progress: 1, total: 2, message: 'half' })
    expect(progress).toContainEqual({ log: { level: 'info', data: { read: 'a.txt' } } })
  })

  test('have somebody asked, for which the run waits', async ({ createServer }) => {
    const { tools } = create()
    const model = createScriptedModel([call('deploy', { env: 'test' }), { text: 'Done.' }])
    const { rest } = await createServer({ agents: [agentOf(tools)], model })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const [wait] = (await rest.get(`runs/${id}`)).body['waits'] as { name: string; details: Json }[]
    expect(wait).toMatchObject({ kind: 'input', details: { message: 'Which version for test?' } })
    const answer = (value: Json) => rest.post(`runs/${id}/respond`, { wait: wait?.name ?? '', value })
    expect(await answer({ action: 'accept', content: { version: 2 } })).toMatchObject({ status: 400 })
    expect(await answer({ action: 'accept', content: { version: '2.0' } })).toMatchObject({ status: 200 })
    expect(resultsOf(await rest.events(`runs/${id}/${DEBUG}`))).toEqual(['2.0 is on test in eu'])
  })
})

describe('an MCP server', () => {
  test('is told when a call is of no use any more', async ({ createServer }) => {
    const waiting = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<void>()
    const { tools } = httpTools({ onWaiting: waiting.resolve, onAborted: aborted.resolve })
    const { rest } = await createServer({
      agents: [agentOf(tools)],
      model: createScriptedModel([call('wait')]),
    })
    const id = await rest.create('agent')
    await waiting.promise
    await rest.post(`runs/${id}/cancel`, {})
    await aborted.promise
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.cancelled' })
  })

  test('that goes on with a call that was cancelled tells and asks nobody else', async ({ createServer }) => {
    const { tools } = stdioTools(stdioOf('late-stdio'))
    const model = createScriptedModel([call('begin'), call('next'), { text: 'Done.' }])
    const { rest } = await createServer({ agents: [agentOf(tools)], model })
    const cancelled = await rest.create('agent')
    await (await rest.stream(`runs/${cancelled}/${DEBUG}`)).until('tool.progress')
    await rest.post(`runs/${cancelled}/cancel`, {})
    await rest.events(`runs/${cancelled}/events`)
    const id = await rest.create('agent')
    const stream = await rest.stream(`runs/${id}/${DEBUG}`)
    const told = async (): Promise<Event | undefined> => {
      const event = await stream.next()
      return /^(tool\.(progress|result)|run\.waiting)$/.test(event?.type ?? '') ? event : told()
    }
    expect(await told()).toMatchObject({ type: 'tool.result', result: 'alone' })
  })

  test('that went away in the middle of a call is started anew for the next', async ({ createServer }) => {
    const { tools } = stdioTools()
    const model = createScriptedModel([call('pid'), call('exit'), call('pid'), { text: 'Done.' }])
    const { rest } = await createServer({ agents: [agentOf(tools)], model })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    const [first, broken, second] = resultsOf(events)
    expect(broken).toEqual({
      error:
        'The server of the tool "exit" went away in the middle of the call: it may have been done, or not.',
    })
    expect([first, second]).toEqual([expect.stringMatching(/^\d+$/), expect.stringMatching(/^\d+$/)])
    expect(second).not.toBe(first)
  })

  test('that can not be reached is an error of the tool, and of a run that has to list its tools', async ({
    createServer,
  }) => {
    const { tools, state } = httpTools()
    const model = createScriptedModel([call('add', { a: 1, b: 1 }), { text: 'Sorry.' }])
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const listed = await tools.list(ctx)
        state.isDown = true
        return { output: (await toolLoop(ctx, { tools: listed })).text }
      },
    })
    const { rest } = await createServer({ agents: [agent, { ...agentOf(tools), key: 'other' }], model })
    const id = await rest.create('agent')
    expect(resultsOf(await rest.events(`runs/${id}/${DEBUG}`))).toEqual([
      { error: 'The server of the tool "add" could not be asked.' },
    ])
    const other = await rest.create('other')
    expect((await rest.events(`runs/${other}/events`)).at(-1)).toMatchObject({ type: 'run.failed' })
  })

  test('whose tools change has its new ones offered in the next turn', async ({ createServer }) => {
    let server: ReturnType<typeof createMcpServer> | undefined
    const handler = createMcpHandler(() => {
      server = createMcpServer()
      if (isChanged) server.registerTool('late', { description: 'Late' }, () => ({ content: [] }))
      return server
    })
    let isChanged = false
    const tools = mcpTools({
      url: 'http://mcp.test/mcp',
      fetch: (input, init) => handler.fetch(new Request(input, init)),
    })
    onTestFinished(() => tools.close())
    const changed = Promise.withResolvers<void>()
    const model = createScriptedModel([call('add', { a: 1, b: 1 }), { text: 'Done.' }])
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        await tools.list(ctx)
        isChanged = true
        handler.notify.toolsChanged()
        await expect.poll(async () => (await tools.list(ctx)).map(({ name }) => name)).toContain('late')
        changed.resolve()
        await toolLoop(ctx, { tools })
      },
    })
    const { rest } = await createServer({ agents: [agent], model })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(model.requests[0]?.tools?.map(({ name }) => name)).toContain('late')
  })

  test('is sent the headers of whose run it is, over connections of theirs', async ({ createServer }) => {
    const { tools, requests } = httpTools(
      {},
      {
        headers: ({ id }: { id: string }) => ({ authorization: `Bearer ${id}` }),
        prefix: 'calc_',
        only: ['add'],
      },
    )
    const model = createScriptedModel([
      call('calc_add', { a: 1, b: 1 }),
      { text: 'Done.' },
      call('calc_add', { a: 1, b: 1 }),
      { text: 'Done.' },
    ])
    const { as } = await createServer({
      agents: [agentOf(tools)],
      model,
      authenticate: (request) => ({
        id: request.headers.get('x-user') ?? '',
        tenantId: 'acme',
        kind: 'user',
      }),
    })
    for (const user of ['ann', 'bob']) {
      const { rest } = as({ 'x-user': user })
      const id = await rest.create('agent')
      expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    }
    expect(model.requests[0]?.tools?.map(({ name }) => name)).toEqual(['calc_add'])
    const tokens = requests.map((request) => request.headers.get('authorization'))
    expect(new Set(tokens)).toEqual(new Set(['Bearer ann', 'Bearer bob']))
  })

  test('ends with the last worker of the process', async ({ createServer }) => {
    const { tools } = stdioTools()
    const model = createScriptedModel([call('pid'), { text: 'Done.' }])
    const { rest, runtime } = await createServer({ agents: [agentOf(tools)], model, worker: false })
    const worker = await runtime.startWorker()
    const id = await rest.create('agent')
    const [pid] = resultsOf(await rest.events(`runs/${id}/${DEBUG}`))
    const isThere = () => {
      try {
        return process.kill(Number(pid), 0)
      } catch {
        return false
      }
    }
    expect(isThere()).toBe(true)
    await worker.stop()
    await expect.poll(isThere).toBe(false)
  })
})

test.for([
  [{ needApproval: true }, 'there is no option needApproval, did you mean needsApproval?'],
  [{ comand: 'npx' }, 'there is no option comand, did you mean command?'],
  [{ maxConnections: 0 }, 'maxConnections is a whole number above 0.'],
  [{ maxConnections: Number.NaN }, 'maxConnections is a whole number above 0.'],
  [{ idleSeconds: -1 }, 'idleSeconds is a number from 0 to 86400.'],
] as const)('mcpTools refuses %o', ([options, message]) => {
  expect(() => mcpTools({ url: 'http://mcp.test/mcp', ...options })).toThrow(
    new TypeError(`mcpTools: ${message}`),
  )
})
