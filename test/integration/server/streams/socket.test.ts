// Streams over one WebSocket, on a Node HTTP server with a mounted runtime.
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { createAgentClient } from '../../../../client/index.ts'
import type { AgentRouter } from '../../../../server/api/router.ts'
import { AgentRuntimeError, defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { openRawSocket, refusalOf } from '../../../support/raw-socket.ts'
import { test } from '../../../support/runtime.ts'

const counter = defineAgent({
  key: 'counter',
  params: z.object({ to: z.int() }),
  events: { count: { schema: z.object({ n: z.number(), padding: z.string() }), visibility: 'user' } },
  async run(ctx) {
    for (let n = 1; n <= ctx.params.to; n += 1) await ctx.emit('count', { n, padding: '' })
    return { output: ctx.params.to }
  },
})

/** Emits more than a network between two processes can hold. */
const verbose = defineAgent({
  key: 'verbose',
  events: { page: { schema: z.string(), visibility: 'user' } },
  async run(ctx) {
    for (let n = 1; n <= 400; n += 1) await ctx.emit('page', 'x'.repeat(50_000))
  },
})

function authenticate(request: Request): Principal | null {
  const id = request.headers.get('x-user')
  if (id === 'banned') throw new AgentRuntimeError('forbidden', 'Banned.')
  return id === null ? null : { id, tenantId: '', kind: 'user' }
}

const events = (id: number, runId: string, more = {}) => ({
  id,
  method: 'subscription',
  params: { path: 'runs.events', input: { runId, ...more } },
})
const isStopped = ({ result }: { result?: { type: string } }) => result?.type === 'stopped'
const AS_USER = { socketHeaders: ['x-user'] }
const SHORT_PAUSES = { reconnect: { initialDelayMs: 5, maxDelayMs: 50 }, socket: { lingerMs: 20 } }

test('fifty runs are followed at once, over one connection', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [counter] })
  await using host = await hostRuntimes(runtime)
  const client = createAgentClient<typeof runtime>({ url: `${host.url}/trpc`, ...SHORT_PAUSES })
  const runs = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      client.runs.create({ agentKey: 'counter', params: { to: index + 1 } }),
    ),
  )
  const counted = await Promise.all(
    runs.map(async (run) => {
      const numbers: number[] = []
      for await (const event of run.events()) if (event.type === 'count') numbers.push(event.payload.n)
      return numbers
    }),
  )
  expect(counted).toEqual(runs.map((_, index) => Array.from({ length: index + 1 }, (_, n) => n + 1)))
  expect(host.sockets).toHaveLength(1)
  // It is closed a moment after the last stream has ended.
  await vi.waitUntil(() => host.sockets[0]?.destroyed)
})

test('each caller has a connection of its own, and sees its own', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [counter], authenticate, config: AS_USER })
  await using host = await hostRuntimes(runtime)
  let user = 'ada'
  const client = createAgentClient<typeof runtime>({
    url: `${host.url}/trpc`,
    headers: async () => ({ 'x-user': user }),
    ...SHORT_PAUSES,
  })
  const adas = await client.runs.create({ agentKey: 'counter', params: { to: 1 } })
  await adas.result()
  user = 'bob'
  await expect(adas.events()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'not_found' })
  expect(host.sockets).toHaveLength(2)
})

describe('over a socket as over HTTP', () => {
  test('every refusal is the same', async ({ createServer }) => {
    const { runtime, as } = await createServer({
      agents: [counter],
      authenticate,
      config: AS_USER,
      worker: false,
    })
    await using host = await hostRuntimes(runtime)
    const runId = await as({ 'x-user': 'ada' }).rest.create('counter', { params: { to: 1 } })
    const missing = '019aa000-0000-7000-8000-000000000001'
    for (const headers of [{}, { 'x-user': 'banned' }, { 'x-user': 'bob' }] as Record<string, string>[]) {
      // tRPC's own client, which others may use too.
      const socket = createWSClient({ url: host.socketUrl, connectionParams: headers })
      const over = createTRPCClient<AgentRouter>({ links: [wsLink({ client: socket })] })
      const { client, events } = as(headers).trpc
      const refusals = async (ask: Promise<unknown>[]) =>
        (await Promise.allSettled(ask)).map((answer) => ({
          status: answer.status,
          ...(answer.status === 'rejected' && { message: answer.reason.message, data: answer.reason.data }),
        }))
      const follow = (id: string) =>
        new Promise((resolve, reject) => {
          const following = over.runs.events.subscribe(
            { runId: id },
            {
              onComplete: () => resolve(undefined),
              onError(error) {
                following.unsubscribe()
                reject(error)
              },
            },
          )
        })
      expect(
        await refusals([
          over.runs.get.query({ runId }),
          over.runs.get.query({ runId: missing }),
          over.runs.get.query({ runId: 'none' }),
          over.runs.cancel.mutate({ runId }),
          follow(runId),
          follow(missing),
        ]),
      ).toEqual(
        await refusals([
          client.runs.get.query({ runId }),
          client.runs.get.query({ runId: missing }),
          client.runs.get.query({ runId: 'none' }),
          client.runs.cancel.mutate({ runId }),
          events({ runId }),
          events({ runId: missing }),
        ]),
      )
      await socket.close()
    }
  })

  test('what a caller may not see is not sent, and streams are resumed', async ({ createServer }) => {
    const { runtime, rest } = await createServer({ agents: [counter] })
    await using host = await hostRuntimes(runtime)
    const runId = await rest.create('counter', { params: { to: 9 } })
    const all = await rest.events(`runs/${runId}/events`)
    using raw = await openRawSocket(host.socketUrl)
    raw.send(events(1, runId, { lastEventId: 4 }))
    const seqs = (await raw.until(isStopped)).flatMap(({ result }) => result?.data?.data.seq ?? [])
    expect(seqs).toEqual(all.map(({ seq }) => seq).filter((seq) => seq > 4))
  })
})

describe('who is calling', () => {
  test('is asked for each call: a session that ended opens no stream any more', async ({ createServer }) => {
    let isSignedIn = true
    const { runtime, rest } = await createServer({
      agents: [counter],
      authenticate: () => (isSignedIn ? { id: 'ada', tenantId: '', kind: 'user' } : null),
    })
    await using host = await hostRuntimes(runtime)
    const runId = await rest.create('counter', { params: { to: 1 } })
    using raw = await openRawSocket(host.socketUrl)
    raw.send(events(1, runId))
    await raw.until(isStopped)
    isSignedIn = false
    raw.send(events(2, runId))
    const [refused] = await raw.until(({ id }) => id === 2)
    expect(refused?.error?.data).toMatchObject({ httpStatus: 401, error: { code: 'unauthorized' } })
  })

  test('is told by cookies, and by headers that are the caller’s own, which replace none', async ({
    createServer,
  }) => {
    const seen: Request[] = []
    const { runtime } = await createServer({
      agents: [counter],
      authenticate(request) {
        seen.push(request)
        return null
      },
      config: { socketHeaders: ['X-Team', 'x-locale'] },
    })
    await using host = await hostRuntimes(runtime)
    using raw = await openRawSocket(host.socketUrl, {
      headers: { cookie: 'session=1', 'x-team': 'of the proxy' },
      params: {
        Authorization: 'Bearer 1',
        'x-anonymous-token': 't',
        'X-Team': 'of the page',
        'x-locale': 'de',
      },
    })
    raw.send(events(1, '019aa000-0000-7000-8000-000000000001'))
    await raw.until(({ id }) => id === 1)
    const { headers, url } = seen[0]!
    expect(new URL(url).pathname).toBe('/trpc')
    expect(Object.fromEntries(headers)).toMatchObject({
      authorization: 'Bearer 1',
      'x-anonymous-token': 't',
      cookie: 'session=1',
      'x-team': 'of the proxy',
      'x-locale': 'de',
    })
  })

  test.for([
    ...[
      'x-user-id',
      'x-forwarded-user',
      'x-forwarded-email',
      'x-forwarded-for',
      'cf-access-authenticated-user-email',
    ],
    ...['cf-connecting-ip', 'x-auth-request-user', 'x-auth-request-email', 'remote-user', 'x-remote-user'],
    ...[
      'x-amzn-oidc-identity',
      'x-amzn-oidc-data',
      'x-goog-authenticated-user-email',
      'x-ms-client-principal-id',
    ],
    ...['x-authenticated-user', 'x-webauth-user', 'x-real-ip', 'tailscale-user-login', 'cookie'],
  ])(
    'is not told by %s: a proxy that strips it does not see what is sent over a socket',
    async (name, { createServer }) => {
      const seen: Request[] = []
      const { runtime } = await createServer({
        agents: [counter],
        worker: false,
        authenticate(request) {
          seen.push(request)
          const id = request.headers.get(name)
          return id === null ? null : { id, tenantId: '', kind: 'user' }
        },
      })
      await using host = await hostRuntimes(runtime)
      using raw = await openRawSocket(host.socketUrl, {
        params: { authorization: 'Bearer 1', [name]: 'root' },
      })
      raw.send({ id: 1, method: 'query', params: { path: 'runs.list', input: {} } })
      const [refused] = await raw.until(({ id }) => id === 1)
      expect(refused?.error?.data).toMatchObject({
        httpStatus: 403,
        error: { code: 'forbidden', details: { refusedHeaders: [name] } },
      })
      expect(seen).toEqual([])
    },
  )

  test('is no page of another site, unless that is allowed', async ({ createServer }) => {
    const config = {
      allowedOrigins: ['https://app.example.com', 'https://two.example.com'],
    }
    const { log, runtime } = await createServer({ agents: [counter], config })
    await using host = await hostRuntimes(runtime)
    const refused = await refusalOf(host.socketUrl, { origin: 'https://evil.example.com' })
    expect(refused.status).toBe(403)
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'forbidden' })
    expect((await refusalOf(host.socketUrl, { origin: 'null' })).status).toBe(403)
    expect(log.filter(({ message }) => message === 'refused a request')).toMatchObject([
      { fields: { code: 'forbidden', request: 'GET /trpc' } },
      { fields: { code: 'forbidden' } },
    ])
    for (const name of ['no host', 'somebody@localhost', 'some:body@localhost']) {
      expect((await refusalOf(host.socketUrl, { headers: { host: name } })).status).toBe(400)
    }
    for (const origin of [host.url, 'https://two.example.com']) {
      using raw = await openRawSocket(host.socketUrl, { origin })
      expect(raw.socket.readyState).toBe(raw.socket.OPEN)
    }
  })
})

describe('a connection', () => {
  test('that does not read is held back, and others are not', async ({ createServer }) => {
    const { runtime, rest } = await createServer({ agents: [verbose] })
    await using host = await hostRuntimes(runtime)
    const runId = await rest.create('verbose')
    using slow = await openRawSocket(host.socketUrl)
    slow.send(events(1, runId))
    slow.send(events(2, runId))
    await slow.until(({ result }) => result?.type === 'data')
    slow.socket.pause()
    using fast = await openRawSocket(host.socketUrl)
    fast.send(events(1, runId))
    const seqs = (answers: typeof fast.answers) =>
      answers.flatMap(({ result }) => result?.data?.data.seq ?? [])
    const all = seqs(await fast.until(isStopped))
    expect(all.length).toBe(402)
    // Each of the two holds at most one piece, of 80 MB in all.
    expect(host.sockets[0]?.writableNeedDrain).toBe(true)
    expect(host.sockets[0]?.writableLength).toBeLessThan(1_000_000)
    slow.socket.resume()
    await slow.until(isStopped)
    await slow.until(isStopped)
    expect(seqs(slow.answers.filter(({ id }) => id === 1))).toEqual(all)
    expect(seqs(slow.answers.filter(({ id }) => id === 2))).toEqual(all)
  })

  test('that asks for answers and reads none is held back', async ({ createServer }) => {
    const { runtime, rest } = await createServer({ agents: [verbose], worker: false })
    await using host = await hostRuntimes(runtime)
    const messages = [{ role: 'user', content: 'x'.repeat(900_000) }]
    const runId = await rest.create('verbose', { messages })
    using raw = await openRawSocket(host.socketUrl)
    raw.socket.pause()
    const count = 50
    for (let id = 1; id <= count; id += 1) {
      raw.send({ id, method: 'query', params: { path: 'runs.get', input: { runId } } })
      await rest.get(`runs/${runId}`)
    }
    // At most four answers, of 45 MB.
    expect(host.sockets[0]?.writableNeedDrain).toBe(true)
    expect(host.sockets[0]?.writableLength).toBeLessThan(4_000_000)
    raw.socket.resume()
    await raw.until(() => raw.answers.length === count)
    expect(new Set(raw.answers.map(({ id }) => id)).size).toBe(count)
  })

  test('that is dead is dropped', async ({ createServer }) => {
    const { runtime } = await createServer({ agents: [counter], config: { streamKeepAliveSeconds: 0.1 } })
    await using host = await hostRuntimes(runtime)
    using raw = await openRawSocket(host.socketUrl)
    raw.socket.pause()
    await vi.waitUntil(() => host.sockets[0]?.destroyed)
  })

  test('that sends more than it may is closed', async ({ createServer }) => {
    const { runtime } = await createServer({ agents: [counter], config: { maxBodyBytes: 1_000 } })
    await using host = await hostRuntimes(runtime)
    using raw = await openRawSocket(host.socketUrl)
    raw.send({ padding: 'x'.repeat(1_000) })
    expect(await raw.closed).toBe(1009)
  })

  test('to another path is left alone: runtimes can share a server', async ({ createServer }) => {
    const one = await createServer({ agents: [counter] })
    const two = await createServer({ agents: [counter], worker: false, config: { trpcPath: '/two' } })
    await using host = await hostRuntimes(one.runtime, two.runtime)
    const runId = await one.rest.create('counter', { params: { to: 3 } })
    for (const path of ['/trpc', '/two']) {
      using raw = await openRawSocket(`${host.url.replace('http', 'ws')}${path}`)
      raw.send(events(1, runId))
      expect((await raw.until(isStopped)).filter(({ result }) => result?.type === 'data')).toHaveLength(5)
    }
    expect((await refusalOf(`${host.socketUrl}/further`, {})).status).toBe(404)
  })
})

test('a runtime that stops sends its sockets elsewhere, and takes no more', async ({ createServer }) => {
  const { runtime, rest } = await createServer({ agents: [counter], worker: false })
  await using host = await hostRuntimes(runtime)
  const runId = await rest.create('counter', { params: { to: 1 } })
  using raw = await openRawSocket(host.socketUrl)
  using stalled = await openRawSocket(host.socketUrl)
  raw.send(events(1, runId))
  await raw.until(({ result }) => result?.type === 'started')
  stalled.socket.pause()
  await runtime.stop()
  expect(raw.answers).toContainEqual({ id: null, method: 'reconnect' })
  expect(await raw.closed).toBe(1012)
  expect(host.sockets.every(({ destroyed }) => destroyed)).toBe(true)
  expect((await refusalOf(host.socketUrl, {})).status).toBe(503)
})
