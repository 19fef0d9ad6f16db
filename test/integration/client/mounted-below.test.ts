// A runtime whose router is mounted below an app's router, which tRPC itself serves.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { httpBatchLink, httpSubscriptionLink, splitLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { EventSource } from 'eventsource'
import { expect } from 'vitest'
import { WebSocketServer } from 'ws'
import { z } from 'zod'
import { createAgentClient } from '../../../client/create-client.ts'
import type { AgentClientOptions } from '../../../client/create-client.ts'
import { defineAgent, withAgentError } from '../../../server/index.ts'
import type { ApiContext } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'

const counter = defineAgent({
  key: 'counter',
  params: z.object({ upTo: z.number() }),
  output: z.object({ last: z.number() }),
  events: { count: { schema: z.object({ n: z.number() }), visibility: 'user' } },
  async run(ctx) {
    for (let n = 1; n <= ctx.params.upTo; n += 1) await ctx.emit('count', { n })
    return { output: { last: ctx.params.upTo } }
  },
})

/** A transformer like superjson, whose form on the wire differs from the value. */
const transformer = {
  serialize: (value: unknown) => ({ packed: JSON.stringify(value) ?? 'undefined' }),
  deserialize: ({ packed }: { packed: string }) =>
    packed === 'undefined' ? undefined : (JSON.parse(packed) as unknown),
}

async function host(router: Parameters<typeof createHTTPHandler>[0]['router']) {
  const createContext = (): ApiContext => ({ principal: { id: 'ada', tenantId: 'acme', kind: 'user' } })
  const server = createHttpServer(createHTTPHandler({ router, createContext }))
  const wss = new WebSocketServer({ server })
  applyWSSHandler({ wss, router, createContext })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets: wss.clients,
    async [Symbol.asyncDispose]() {
      for (const client of wss.clients) client.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test.for<[way: string, options: (url: string) => Partial<AgentClientOptions>, isTransformed: boolean]>([
  ['over server-sent events', () => ({ transport: 'sse' }), false],
  ['over a WebSocket', () => ({ transport: 'websocket' }), false],
  [
    "over the app's links, with its transformer",
    (url) => ({
      links: [
        splitLink({
          condition: ({ type }) => type === 'subscription',
          true: httpSubscriptionLink({ url, transformer, EventSource }),
          false: httpBatchLink({ url, transformer }),
        }),
      ],
    }),
    true,
  ],
])('the client finds it by its path: %s', async ([, options, isTransformed], { createServer }) => {
  const { runtime } = await createServer({ agents: [counter] })
  const t = initTRPC.context<ApiContext>().create({
    ...(isTransformed && { transformer }),
    errorFormatter: ({ shape, error }) => withAgentError(shape, error),
  })
  const app = t.router({
    greet: t.procedure.query(() => 'hello'),
    admin: t.router({ agents: runtime.router }),
  })
  await using server = await host(app)
  const client = createAgentClient<typeof runtime>({
    url: server.url,
    path: 'admin.agents',
    ...options(server.url),
  })
  const run = await client.runs.create({ agentKey: 'counter', params: { upTo: 3 } })
  const counted: number[] = []
  for await (const event of run.events()) if (event.type === 'count') counted.push(event.payload.n)
  expect(counted).toEqual([1, 2, 3])
  expect(await run.result()).toEqual({ last: 3 })
  for await (const event of run.events({ from: 3 })) expect(event.seq).toBeGreaterThan(3)
  expect((await client.runs.list({ agentKey: 'counter' })).items).toHaveLength(1)
  expect(await client.trpc.runs.get.query({ runId: run.id })).toMatchObject({ id: run.id })
  const missing = client.runs.get('019aa000-0000-7000-8000-00000000dead')
  await expect(missing).rejects.toMatchObject({ code: 'not_found' })
  await expect(client.runs.create({ agentKey: 'counter' } as never)).rejects.toMatchObject({
    code: 'validation_failed',
  })
})

test("a visitor's session needs the client's own links", () => {
  const create = () => createAgentClient({ url: '/trpc', links: [], anonymous: true })
  expect(create).toThrow(/leave out the option links/)
})
