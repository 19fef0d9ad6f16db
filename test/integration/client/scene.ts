// A server, a worker and a client that reaches the server over a network that can fail.
import { serve } from '@hono/node-server'
import type { ServerType } from '@hono/node-server'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { z } from 'zod'
import type { AgentClient } from '../../../client/agent-client.ts'
import type { AgentClientOptions } from '../../../client/create-client.ts'
import { createAgentClient } from '../../../client/create-client.ts'
import type { ShapesOf } from '../../../server/contract/agent-shape.ts'
import { createAgentRuntime, defineAgent } from '../../../server/index.ts'
import type { CuttingProxy } from '../../support/cutting-proxy.ts'
import { startCuttingProxy } from '../../support/cutting-proxy.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createSilentLogger } from '../../support/silent-logger.ts'

/** Lets a test say when the agent speaks. */
interface Script {
  say(text: string): void
  finish(): void
}

function scriptedAgent() {
  const waiting = new Map<string, (line: string | null) => void>()
  const queued = new Map<string, (string | null)[]>()
  const put = (runId: string, line: string | null) => {
    const take = waiting.get(runId)
    waiting.delete(runId)
    if (take === undefined) queued.set(runId, [...(queued.get(runId) ?? []), line])
    else take(line)
  }
  let isOver = false
  const next = (runId: string, signal: AbortSignal) =>
    new Promise<string | null>((resolve, reject) => {
      if (isOver) return resolve(null)
      const [line, ...rest] = queued.get(runId) ?? []
      queued.set(runId, rest)
      if (line !== undefined) return resolve(line)
      waiting.set(runId, resolve)
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const agent = defineAgent({
    key: 'scripted',
    output: z.object({ said: z.number() }),
    events: {
      note: { schema: z.object({ count: z.number() }), visibility: 'user' },
      secret: { schema: z.object({ count: z.number() }), visibility: 'debug' },
    },
    async run(ctx) {
      let said = 0
      for (;;) {
        const line = await next(ctx.runId, ctx.signal)
        if (line === null) break
        said += 1
        await ctx.emit('secret', { count: said })
        await ctx.emit('note', { count: said })
        await ctx.emit('assistant.message', { messageId: `m${said}`, content: line })
      }
      return { output: { said } }
    },
  })
  const scriptOf = (runId: string): Script => ({
    say: (text) => put(runId, text),
    finish: () => put(runId, null),
  })
  /** Ends all runs, because a worker that stops waits for its runs. */
  const finishAll = () => {
    isOver = true
    for (const take of waiting.values()) take(null)
  }
  return { agent, scriptOf, finishAll }
}

const talker = defineAgent({
  key: 'talker',
  params: z.object({ words: z.int().min(1) }),
  output: z.object({ words: z.number() }),
  async run(ctx) {
    const { words } = ctx.params
    for (let word = 1; word <= words; word += 1) {
      await ctx.emit('assistant.delta', { messageId: 'm', content: `${word} ` })
      // This stores the words in several rows, as with a slow model.
      if (word % 5 === 0) await ctx.checkpoint(word)
    }
    await ctx.emit('assistant.message', {
      messageId: 'm',
      content: Array.from({ length: words }, (_, index) => `${index + 1} `).join(''),
    })
    return { output: { words } }
  },
})

const failing = defineAgent({
  key: 'failing',
  run: async () => {
    throw new Error('a detail for the log')
  },
})

interface RuntimeOptions {
  databaseUrl: string
  streamKeepAliveSeconds: number
}

function runtimeOf(options: RuntimeOptions, scripted: ReturnType<typeof scriptedAgent>['agent']) {
  return createAgentRuntime({
    agents: [scripted, talker, failing],
    config: {
      ...options,
      queuePollIntervalSeconds: 0.1,
      socketHeaders: ['x-user'],
    },
    logger: createSilentLogger(),
    authenticate: (request) => {
      const id = request.headers.get('x-user')
      return id === null ? null : { id, tenantId: '', kind: 'user' }
    },
  })
}

type Runtime = ReturnType<typeof runtimeOf>

export interface Scene extends AsyncDisposable {
  client: AgentClient<ShapesOf<Runtime>>
  clientOf(user: string | null): AgentClient<ShapesOf<Runtime>>
  /** Reaches the server without the network that can fail. */
  direct: AgentClient<ShapesOf<Runtime>>
  proxy: CuttingProxy
  scriptOf(runId: string): Script
  /** How many sockets were opened on the current server. */
  readonly sockets: number
  /** Stops the API server, as a deployment does, and starts another. The worker goes on. */
  restartServer(): Promise<void>
}

export interface SceneOptions {
  /** Whether the server takes sockets, and what its clients are told to use. Default: SSE alone. */
  hasSockets?: boolean
  transport?: AgentClientOptions['transport']
  /** Seconds between signs of life while no run is running. Default: 0.2. */
  keepAliveSeconds?: number
}

export async function createScene({
  hasSockets = false,
  transport,
  keepAliveSeconds = 0.2,
}: SceneOptions = {}): Promise<Scene> {
  const database = await createTestDatabase()
  const options = { databaseUrl: database.url, streamKeepAliveSeconds: keepAliveSeconds }
  const { agent, scriptOf, finishAll } = scriptedAgent()
  const worker = runtimeOf(options, agent)
  await worker.startWorker()
  const start = () => startApi(runtimeOf(options, agent), hasSockets)
  let api = await start()
  const proxy = await startCuttingProxy(api.port)

  const clientOf = (user: string | null) =>
    createAgentClient<Runtime>({
      url: `${proxy.url}/trpc`,
      headers: user === null ? {} : { 'x-user': user },
      reconnect: { initialDelayMs: 5, maxDelayMs: 50 },
      socket: { keepAliveMs: keepAliveSeconds * 1_500, lingerMs: 50 },
      ...(transport === undefined ? {} : { transport }),
    })
  return {
    client: clientOf('ada'),
    clientOf,
    direct: createAgentClient<Runtime>({
      url: `http://127.0.0.1:${api.port}/trpc`,
      headers: { 'x-user': 'ada' },
      transport: 'sse',
    }),
    proxy,
    scriptOf,
    get sockets() {
      return api.sockets()
    },
    async restartServer() {
      await api.stop()
      api = await start()
      proxy.target = api.port
    },
    async [Symbol.asyncDispose]() {
      finishAll()
      await proxy[Symbol.asyncDispose]()
      await Promise.all([api.stop(), worker.stop()])
      await database.drop()
    },
  }
}

async function startApi(runtime: Runtime, hasSockets: boolean) {
  await runtime.start()
  const server = await new Promise<ServerType>((resolve) => {
    const listening = serve({ fetch: runtime.handler, port: 0, hostname: '127.0.0.1' }, () =>
      resolve(listening),
    )
  })
  let sockets = 0
  if (hasSockets) {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (runtime.handleUpgrade(request, socket, head)) sockets += 1
    })
  }
  return {
    sockets: () => sockets,
    port: (server.address() as AddressInfo).port,
    async stop() {
      await runtime.stop()
      if ('closeAllConnections' in server) server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
