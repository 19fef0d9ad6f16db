// Compares the answers over a socket with those of tRPC's own adapter. Clients of tRPC must find no
// difference.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { expect, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import type { AgentRouter } from '../../../../server/api/router.ts'
import { defineAgent } from '../../../../server/index.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { test } from '../../../support/runtime.ts'

const ADA = { id: 'ada', tenantId: '', kind: 'user' } as const
const PATIENT = { interval: 1, timeout: 20_000 }
const MISSING = '019aa000-0000-7000-8000-000000000001'

const counter = defineAgent({
  key: 'counter',
  events: { count: { schema: z.object({ n: z.number(), text: z.string() }), visibility: 'user' } },
  async run(ctx) {
    // Lengths that frames encode in different ways.
    for (const [n, length] of [0, 1, 200, 70_000].entries()) {
      await ctx.emit('count', { n, text: 'ü'.repeat(length) })
    }
    return {}
  },
})

const held = defineAgent({
  key: 'held',
  async run(ctx) {
    await ctx.emit('assistant.delta', { messageId: 'm', content: 'begun' })
    await once(ctx.signal, 'abort')
  },
})

/** The same procedures, served by tRPC itself. */
async function hostReference(runtime: { router: unknown }) {
  const http = createHttpServer()
  const wss = new WebSocketServer({ server: http })
  applyWSSHandler<AgentRouter>({
    wss,
    router: runtime.router as AgentRouter,
    createContext: () => ({ principal: ADA }),
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    socketUrl: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const client of wss.clients) client.terminate()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

/** Sends all messages, each after the expected answer to the one before. Returns what it received. */
async function converse(
  url: string,
  script: { say: string; hear: number }[],
): Promise<Record<string, string[]>> {
  const socket = new WebSocket(url)
  const heard: string[] = []
  socket.on('message', (data: Buffer) => heard.push(data.toString()))
  await once(socket, 'open')
  let due = 0
  for (const { say, hear } of script) {
    socket.send(say)
    due += hear
    await vi.waitUntil(() => heard.length >= due, PATIENT)
  }
  socket.terminate()
  const answers = Object.groupBy(heard, (text) => /^\{"id":([^,}]*)/.exec(text)?.[1] ?? text)
  return Object.fromEntries(Object.entries(answers).map(([id, texts = []]) => [id, withoutBeginning(texts)]))
}

/** tRPC reports that a stream has started before it knows whether it may. Only the refusal matters. */
function withoutBeginning(texts: string[]): string[] {
  const [first = '', refusal = ''] = texts
  return first.includes('"started"') && refusal.includes('"error"') ? [refusal] : texts
}

test('every message is tRPC’s own, to the byte', async ({ createServer }) => {
  const { runtime, rest } = await createServer({ agents: [counter, held], authenticate: () => ADA })
  const over = await rest.create('counter')
  await rest.events(`runs/${over}/events`)
  const live = await rest.create('held')
  const beginning = await rest.stream(`runs/${live}/events/stream`)
  await beginning.until('assistant.delta')
  await beginning.close()

  let id = 0
  const ask = (method: string, path: string, input: unknown, more = {}) => ({
    id: (id += 1),
    method,
    params: { path, input, ...more },
  })
  const say = (message: unknown, hear: number, hearOfReference = hear) => ({
    say: typeof message === 'string' ? message : JSON.stringify(message),
    hear,
    hearOfReference,
  })
  const script = [
    say('PING', 1),
    say(ask('query', 'runs.get', { runId: over }), 1),
    say({ ...ask('query', 'runs.get', { runId: over }), jsonrpc: '2.0' }, 1),
    say({ ...ask('query', 'runs.get', { runId: over }), id: 'own' }, 1),
    say(ask('query', 'runs.get', { runId: MISSING }), 1),
    say(ask('query', 'runs.get', { runId: 'none' }), 1),
    say(ask('query', 'runs.none', {}), 1),
    say(ask('query', 'runs.events', { runId: over }), 1),
    say(ask('mutation', 'runs.get', { runId: over }), 1),
    say(ask('mutation', 'runs.cancel', { runId: over }), 1),
    say(ask('subscription', 'runs.events', { runId: over }), 8),
    say({ ...ask('subscription', 'runs.events', { runId: over }), jsonrpc: '2.0' }, 8),
    say({ ...ask('subscription', 'runs.events', { runId: over }), id: 'a "b"' }, 8),
    say(ask('subscription', 'runs.events', { runId: over }, { lastEventId: '3' }), 5),
    say(ask('subscription', 'runs.events', { runId: over, lastEventId: '3' }, { lastEventId: '4' }), 4),
    say(ask('subscription', 'runs.events', { runId: over, lastEventId: 99 }), 1, 3),
    say(ask('subscription', 'runs.events', { runId: MISSING }), 1, 3),
    say(ask('subscription', 'runs.events', undefined), 1, 3),
    say(ask('subscription', 'runs.events', undefined, { lastEventId: '1' }), 1, 3),
    say(ask('subscription', 'runs.get', { runId: over }), 1),
    say({ ...ask('subscription', 'runs.events', { runId: live }), id: 'live' }, 3),
    say({ ...ask('subscription', 'runs.events', { runId: live }), id: 'live' }, 1),
    say({ id: 'live', method: 'subscription.stop' }, 1),
    say({ ...ask('subscription', 'runs.events', { runId: live }), id: 'live' }, 3),
    say({ id: 'other', method: 'subscription.stop' }, 0),
    say([ask('query', 'runs.get', { runId: over }), ask('subscription', 'runs.events', { runId: over })], 9),
    say({ ...ask('query', 'runs.get', { runId: over }), id: null }, 1),
    say('{', 1),
    say('7', 1),
    say({ id: 1, method: 'none' }, 1),
    say([ask('query', 'runs.get', { runId: over }), { id: {} }], 1),
  ]
  await using host = await hostRuntimes(runtime)
  await using reference = await hostReference(runtime)
  const [ours, theirs] = await Promise.all([
    converse(host.socketUrl, script),
    converse(
      reference.socketUrl,
      script.map(({ say, hearOfReference }) => ({ say, hear: hearOfReference })),
    ),
  ])
  // Messages that tRPC has no name for, and its clients ignore.
  const pace = ',"reconnectAfterInactivityMs":4500'
  expect(ours['"live"']?.filter((text) => text.includes(pace))).toHaveLength(2)
  const watched = ours['"live"']?.map((text) => text.replace(pace, '')) ?? []
  expect({ ...ours, '"live"': watched }).toEqual(theirs)
  await rest.post(`runs/${live}/cancel`)
})

test.for([['{'], ['[]'], ['{"method":"connectionParams","data":{"authorization":1}}'], ['{"data":[]}']])(
  'headers that are none, %s, are refused as tRPC does',
  async ([params = ''], { createServer }) => {
    const { runtime } = await createServer({ agents: [held], worker: false, authenticate: () => ADA })
    await using host = await hostRuntimes(runtime)
    await using reference = await hostReference(runtime)
    const refusalOf = async (url: string) => {
      const socket = new WebSocket(`${url}?connectionParams=1`)
      const heard: string[] = []
      socket.on('message', (data: Buffer) => heard.push(data.toString()))
      await once(socket, 'open')
      socket.send(params)
      const [code] = (await once(socket, 'close')) as [number]
      return { heard, code }
    }
    expect(await refusalOf(host.socketUrl)).toEqual(await refusalOf(reference.socketUrl))
  },
)

test('tRPC’s own client follows a run over a socket that is lost', async ({ createServer }) => {
  const { runtime, rest } = await createServer({ agents: [held], authenticate: () => ADA })
  const runId = await rest.create('held')
  await using host = await hostRuntimes(runtime)
  const socket = createWSClient({
    url: host.socketUrl,
    retryDelayMs: () => 5,
    connectionParams: { authorization: 'b' },
  })
  const { runs } = createTRPCClient<AgentRouter>({ links: [wsLink({ client: socket })] })
  const seen: string[] = []
  const ended = Promise.withResolvers<void>()
  runs.events.subscribe(
    { runId },
    {
      onData: ({ id, data }) => seen.push(`${id} ${data.type}`),
      onComplete: ended.resolve,
      onError: ended.reject,
    },
  )
  await vi.waitUntil(() => seen.length === 2, PATIENT)
  host.sockets[0]?.destroy()
  await vi.waitUntil(() => host.sockets.length === 2, PATIENT)
  const calls = await Promise.all(Array.from({ length: 20 }, () => runs.get.query({ runId })))
  expect(calls.every(({ id }) => id === runId)).toBe(true)
  await runs.cancel.mutate({ runId })
  await ended.promise
  expect(seen).toEqual(['1 run.started', '2 assistant.delta', '3 run.cancelled'])
  await socket.close()
})
