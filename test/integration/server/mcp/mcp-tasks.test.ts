import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { describe, expect, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createMcpServer } from '../../../../server/mcp-server/index.ts'
import type { McpServerOptions } from '../../../../server/mcp-server/index.ts'
import { defineAgent } from '../../../../server/index.ts'
import type { Authenticate, Authorize, Retention } from '../../../../server/index.ts'
import { connectTasks } from '../../../support/mcp-tasks.ts'
import type { TaskClient } from '../../../support/mcp-tasks.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'

const shop = defineAgent({
  key: 'shop',
  params: z.object({ units: z.number() }),
  output: z.object({ sold: z.string() }),
  waits: { address: z.object({ street: z.string().min(2) }) },
  async run(ctx) {
    const { value } = await ctx.wait('address')
    const approval = await ctx.approve({ name: 'sell', arguments: { units: ctx.params.units } })
    return { output: { sold: approval.approved ? `${ctx.params.units} to ${value.street}` : 'nothing' } }
  },
})

const asker = defineAgent({
  key: 'asker',
  waits: { word: z.object({ word: z.string() }), 'word#2': z.object({ word: z.string() }) },
  async run(ctx) {
    const both = await Promise.all([ctx.wait('word'), ctx.wait('word#2')])
    const last = await ctx.wait('word')
    return { output: [...both, last].map(({ value }) => value.word) }
  },
})

const confirming = defineAgent({
  key: 'confirming',
  waits: { confirm: z.object({ word: z.string() }) },
  async run(ctx) {
    const both = await Promise.all([ctx.wait('confirm'), ctx.wait('confirm')])
    return { output: both.map(({ value }) => value.word) }
  },
})

const broken = defineAgent({ key: 'broken', run: () => Promise.reject(new Error('secret')) })

const wrong = defineAgent({
  key: 'wrong',
  output: z.object({ n: z.number() }),
  run: async () => ({ output: { n: 'one' as unknown as number } }),
})

const asleep = defineAgent({ key: 'asleep', run: (ctx) => ctx.sleep(86_400_000) })

const greet = defineAgent({ key: 'greet', run: async () => ({ output: 'Hello!' }) })

const hidden = defineAgent({ key: 'hidden', run: async () => {} })

const agents = [shop, asker, confirming, broken, wrong, asleep, greet, hidden] as const

const authenticate: Authenticate = (request) => {
  const id = request.headers.get('authorization')?.replace('Bearer ', '')
  return id === undefined ? null : { id, tenantId: 'acme', kind: 'user' }
}

/** A server over real HTTP. */
async function serve(
  createRuntime: CreateServer,
  {
    worker = true,
    config = {},
    authorize = (...[, action]) => (action === 'read' ? 'own' : true),
    retention,
    ...more
  }: Partial<McpServerOptions> & {
    worker?: boolean
    config?: object
    authorize?: Authorize
    retention?: Retention
  } = {},
) {
  const { runtime, as } = await createRuntime({
    agents,
    authenticate,
    authorize,
    worker,
    config,
    ...(retention === undefined ? {} : { retention }),
  })
  const agentKeys = agents.map(({ key }) => key).filter((key) => key !== 'hidden')
  const taskKeys = agentKeys.filter((key) => key !== 'greet')
  const mcp = createMcpServer(runtime, {
    authenticate,
    agentKeys,
    taskKeys,
    hostnames: ['127.0.0.1'],
    ...more,
  })
  const server = createServer(getRequestListener((request) => mcp(request)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    await mcp.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  onTestFinished(close)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  return { url, runtime, close, as: (user: string) => as({ authorization: `Bearer ${user}` }) }
}

async function connect(...given: Parameters<typeof connectTasks>) {
  const client = await connectTasks(...given)
  onTestFinished(() => client[Symbol.asyncDispose]())
  return client
}

const accept = (content: Record<string, string | boolean>) => ({ action: 'accept', content })

const until = async (client: TaskClient, taskId: string, status: string) => {
  await expect.poll(async () => (await client.get(taskId)).status).toBe(status)
  return client.get(taskId)
}

const idOf = ({ taskId }: Record<string, unknown>) => z.uuid().parse(taskId)

describe('runs as tasks of MCP', () => {
  test('answer a call at once, ask what the run waits for, and have its result', async ({ createServer }) => {
    const { url, as } = await serve(createServer)
    const ann = await connect(url, 'ann')
    expect(ann.client.getServerCapabilities()).toMatchObject({
      extensions: { 'io.modelcontextprotocol/tasks': {} },
    })
    const begun = await ann.call('shop', { params: { units: 3 } })
    expect(begun).toMatchObject({ resultType: 'task', status: 'working', ttlMs: null })
    const taskId = idOf(begun)

    const asking = await until(ann, taskId, 'input_required')
    const { body } = await as('ann').rest.get(`runs/${taskId}`)
    const { events } = z
      .object({ events: z.array(z.object({ event_type: z.string(), timestamp: z.string() })) })
      .parse(body)
    const asked = events.find(({ event_type: type }) => type === 'run.waiting')
    expect(asking.lastUpdatedAt).toBe(asked?.timestamp)
    expect(body).toMatchObject({ updated_at: asked?.timestamp })
    expect(asking.inputRequests).toMatchObject({ address: { method: 'elicitation/create' } })
    await expect(ann.update(taskId, { address: accept({ street: 'X' }) })).rejects.toMatchObject({
      code: -32_602,
    })
    expect((await ann.get(taskId)).inputRequests).toEqual(asking.inputRequests)
    await ann.update(taskId, { address: accept({ street: 'Hollow Way' }), nothing: accept({}) })

    const approving = async () => Object.keys((await ann.get(taskId)).inputRequests ?? {})[0] ?? 'address'
    await expect.poll(approving).not.toBe('address')
    expect(Date.parse((await ann.get(taskId)).lastUpdatedAt)).toBeGreaterThan(
      Date.parse(asking.lastUpdatedAt),
    )
    await ann.update(taskId, { [await approving()]: accept({ approved: true }) })
    const { result, ...task } = await until(ann, taskId, 'completed')
    expect(result).toMatchObject({ structuredContent: { sold: '3 to Hollow Way' } })
    expect(task.lastUpdatedAt >= task.createdAt).toBe(true)
    // A finished run has nothing to answer and nothing to cancel.
    await ann.update(taskId, { address: accept({ street: 'Elsewhere' }) })
    await ann.cancel(taskId)
    expect(await ann.get(taskId)).toMatchObject({ status: 'completed' })
  })

  test('go on over a second server, and after both were restarted', async ({ createServer }) => {
    const first = await serve(createServer)
    const second = await serve(createServer, { worker: false })
    const taskId = idOf(await (await connect(first.url, 'ann')).call('shop', { params: { units: 2 } }))
    const elsewhere = await connect(second.url, 'ann')
    await until(elsewhere, taskId, 'input_required')
    await first.close()
    await first.runtime.stop()
    await elsewhere.update(taskId, { address: accept({ street: 'Hollow Way' }) })
    await second.close()
    await second.runtime.stop()

    const ann = await connect((await serve(createServer)).url, 'ann')
    const { inputRequests = {} } = await until(ann, taskId, 'input_required')
    const [approval] = Object.keys(inputRequests)
    expect(inputRequests).not.toHaveProperty('address')
    await Promise.all(
      [1, 2].map(() => ann.update(taskId, { [String(approval)]: accept({ approved: true }) })),
    )
    const { result } = await until(ann, taskId, 'completed')
    expect(result).toMatchObject({ structuredContent: { sold: '2 to Hollow Way' } })
  })

  test('ask for each wait by a key of its own, also for one of the same name', async ({ createServer }) => {
    const { url } = await serve(createServer)
    const ann = await connect(url, 'ann')
    const taskId = idOf(await ann.call('asker'))
    const keys = async () => Object.keys((await ann.get(taskId)).inputRequests ?? {}).toSorted()
    await expect.poll(keys).toEqual(['word', 'word#2#1'])
    await ann.update(taskId, { word: accept({ word: 'a' }) })
    // Whatever the run does meanwhile, it still waits for the other answer.
    expect(await ann.get(taskId)).toMatchObject({ status: 'input_required' })
    expect(await keys()).toEqual(['word#2#1'])
    await ann.update(taskId, { 'word#2#1': accept({ word: 'b' }) })
    await expect.poll(keys).toEqual(['word#2'])
    // A repeated answer to the first does not answer this one.
    await ann.update(taskId, { word: accept({ word: 'again' }) })
    expect(await keys()).toEqual(['word#2'])
    await ann.update(taskId, { 'word#2': accept({ word: 'c' }) })
    const { result } = await until(ann, taskId, 'completed')
    expect(result).toMatchObject({ content: [{ text: '["a","b","c"]' }] })
  })

  test('take an answer for the question it was given to, and for no other of that name', async ({
    createServer,
  }) => {
    const { url } = await serve(createServer)
    const ann = await connect(url, 'ann')
    const taskId = idOf(await ann.call('confirming'))
    const keys = async () => Object.keys((await ann.get(taskId)).inputRequests ?? {}).toSorted()
    await expect.poll(keys).toEqual(['confirm', 'confirm#2'])
    await ann.update(taskId, { confirm: { action: 'decline' }, 'confirm#2': accept({ word: 'b' }) })
    expect(await keys()).toEqual(['confirm'])
    await ann.update(taskId, { confirm: accept({ word: 'a' }) })
    const { result } = await until(ann, taskId, 'completed')
    expect(result).toMatchObject({ content: [{ text: '["a","b"]' }] })
  })

  test('tell whoever answers what is asked otherwise by now', async ({ createServer, database }) => {
    let isChanged = false
    const { url } = await serve(createServer, {
      // The change comes after the question was read and before the answer is stored.
      async authorize(...[, action]) {
        if (action === 'read') return 'own'
        if (action !== 'respond' || isChanged) return true
        isChanged = true
        await database.sql(
          `UPDATE agent_runtime.wait SET request = jsonb_set(request, '{details}', '"Where from?"')`,
        )
        return true
      },
    })
    const ann = await connect(url, 'ann')
    const taskId = idOf(await ann.call('shop', { params: { units: 3 } }))
    await until(ann, taskId, 'input_required')
    const answers = { address: accept({ street: 'Hollow Way' }) }
    await expect(ann.update(taskId, answers)).rejects.toThrow(/asks for something else: read it again/)
    await ann.update(taskId, answers)
    await expect
      .poll(async () => Object.keys((await ann.get(taskId)).inputRequests ?? {}))
      .toEqual([expect.stringMatching(/^approve:/)])
  })

  test('are cancelled', async ({ createServer }) => {
    const { url } = await serve(createServer)
    const ann = await connect(url, 'ann')
    const taskId = idOf(await ann.call('asleep'))
    await ann.cancel(taskId)
    await until(ann, taskId, 'cancelled')
    await ann.cancel(taskId)
  })

  test('are results where the agent failed, and failed where none came to be', async ({ createServer }) => {
    const { url } = await serve(createServer, { config: { retentionDays: 2 } })
    const ann = await connect(url, 'ann')
    const [failing, wrongly] = [idOf(await ann.call('broken')), idOf(await ann.call('wrong'))]
    const task = await until(ann, failing, 'completed')
    expect(task.result).toMatchObject({ isError: true })
    expect(JSON.stringify(task)).not.toContain('secret')
    // It is kept for two days after its end, which came just after its creation.
    expect(task.ttlMs).toBeGreaterThanOrEqual(2 * 86_400_000)
    expect(task.ttlMs).toBeLessThan(2 * 86_400_000 + 60_000)
    const { error, ...rest } = await until(ann, wrongly, 'failed')
    expect(error).toMatchObject({ code: -32_603 })
    expect(rest).not.toHaveProperty('result')
  })

  test('tell how long they are kept where that differs', async ({ createServer }) => {
    const retention: Retention = ({ tenantId, agentKey }) =>
      tenantId !== 'acme' ? 1 : agentKey === 'broken' ? 7 : null
    const { url } = await serve(createServer, { config: { retentionDays: 2 }, retention })
    const ann = await connect(url, 'ann')
    const [broken, wrong] = [idOf(await ann.call('broken')), idOf(await ann.call('wrong'))]
    const { ttlMs } = await until(ann, broken, 'completed')
    expect(Math.floor(Number(ttlMs) / 86_400_000)).toBe(7)
    expect(await until(ann, wrong, 'failed')).toMatchObject({ ttlMs: null })
  })

  test("are not there for others, and neither are runs that are no tool's", async ({ createServer }) => {
    const { url, runtime } = await serve(createServer)
    const [ann, bob] = [await connect(url, 'ann'), await connect(url, 'bob')]
    const taskId = idOf(await ann.call('asleep'))
    const principal = { id: 'ann', tenantId: 'acme', kind: 'user' } as const
    const { run } = await runtime.runs.create(principal, { agentKey: 'hidden' })
    const refused = { code: -32_602 }
    for (const [client, id] of [
      [bob, taskId],
      [ann, run.id],
      [ann, crypto.randomUUID()],
      [ann, 'none'],
    ] as const) {
      await expect(client.get(id)).rejects.toMatchObject(refused)
      await expect(client.update(id, {})).rejects.toMatchObject(refused)
      await expect(client.cancel(id)).rejects.toMatchObject(refused)
    }
    expect(await ann.get(taskId)).toMatchObject({ status: 'working' })
  })

  test('are none for clients that do not know them, nor where they are not wanted', async ({
    createServer,
  }) => {
    const { url } = await serve(createServer)
    const ann = await connect(url, 'ann')
    expect(await ann.call('greet')).toMatchObject({ resultType: 'complete', content: [{ text: '"Hello!"' }] })
    const old = await connect(url, 'ann', { elicitation: {} })
    expect(await old.call('broken')).toMatchObject({ resultType: 'complete', isError: true })
    const taskId = idOf(await ann.call('asleep'))
    for (const asked of [old.get(taskId), old.update(taskId, {}), old.cancel(taskId)]) {
      await expect(asked).rejects.toMatchObject({ code: -32_021 })
    }
    const without = await serve(createServer, { taskKeys: [], worker: false })
    const unserved = await connect(without.url, 'ann')
    expect(unserved.client.getServerCapabilities()).not.toHaveProperty('extensions')
    await expect(unserved.get(taskId)).rejects.toThrow('-32601')
  })

  test('say that they wait to whoever can not be asked', async ({ createServer }) => {
    const { url } = await serve(createServer)
    const mute = await connect(url, 'ann', { extensions: { 'io.modelcontextprotocol/tasks': {} } })
    const taskId = idOf(await mute.call('shop', { params: { units: 1 } }))
    await expect
      .poll(() => mute.get(taskId))
      .toMatchObject({
        status: 'working',
        statusMessage: expect.stringMatching(/waits for an answer/) as string,
      })
  })

  test('are refused for agents that are no tools', async ({ createServer }) => {
    await expect(serve(createServer, { taskKeys: ['hidden'] })).rejects.toThrow(
      'The agent "hidden" of taskKeys is not in agentKeys.',
    )
  })
})
