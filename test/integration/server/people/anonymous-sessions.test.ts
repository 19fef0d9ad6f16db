// Visitors without an account: how they get in.
import { createHash } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, vi } from 'vitest'
import { AgentRuntimeError, defineAgent } from '../../../../server/index.ts'
import type { AgentRuntime } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'

const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })
const ADA = { id: 'ada', tenantId: 'acme', kind: 'user' } as const
const PATH = '/api/agents/sessions/anonymous'
const agents = [echo]
const anonymousSessions = true

const post = (runtime: AgentRuntime, path = PATH, more: { from?: string; headers?: HeadersInit } = {}) =>
  runtime.handler(
    new Request(`http://runtime.test${path}`, { method: 'POST', headers: more.headers ?? {} }),
    more.from === undefined ? undefined : { remoteAddress: more.from },
  )

async function tokenOf(answer: Response): Promise<string> {
  expect(answer.status).toBe(201)
  const { token } = (await answer.json()) as { token: string }
  return token
}

const enter = async (runtime: AgentRuntime) => ({ 'x-anonymous-token': await tokenOf(await post(runtime)) })

describe('an anonymous session', () => {
  test.for([PATH, `${PATH}/`, '/api/accounts/anonymous-session', '/api/accounts/anonymous-session/'])(
    'is asked for at %s, with an empty body and no content type',
    async (path, { createServer, database }) => {
      const { runtime } = await createServer({ agents, anonymousSessions, worker: false })
      const answer = await post(runtime, path)
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store'])
      const body = (await answer.json()) as { token: string; expires_at: string }
      expect(Object.keys(body).toSorted()).toEqual(['expires_at', 'token'])
      expect(body.token).toMatch(/^[\w-]{43}$/)
      const days = (Date.parse(body.expires_at) - Date.now()) / 86_400_000
      expect(days).toBeGreaterThan(29.9)
      expect(days).toBeLessThan(30.1)
      const [row] = await database.sql<{ token_hash: Buffer }>(
        'SELECT token_hash FROM agent_runtime.anonymous_session',
      )
      expect(row?.token_hash).toEqual(createHash('sha256').update(body.token).digest())
      expect((await runtime.handler(new Request(`http://runtime.test${path}`))).status).toBe(405)
    },
  )

  test('is asked for with JSON, and over tRPC', async ({ createServer }) => {
    const { rest, trpc, as } = await createServer({ agents, anonymousSessions })
    const { status, body } = await rest.post('sessions/anonymous', {})
    expect([status, typeof body['token']]).toEqual([201, 'string'])
    const session = await trpc.client.sessions.createAnonymous.mutate()
    const visitor = as({ 'x-anonymous-token': session.token })
    expect(Date.parse(session.expiresAt)).toBeGreaterThan(Date.now())
    const run = await visitor.trpc.client.runs.create.mutate({ agentKey: 'echo' })
    expect((await visitor.rest.get(`runs/${run.id}`)).status).toBe(200)
  })

  test('shows its visitor what is theirs, and nobody else', async ({ createServer }) => {
    const { runtime, as } = await createServer({
      agents,
      anonymousSessions,
      authenticate: (request) => (request.headers.get('x-user') === null ? null : ADA),
    })
    const [mine, others] = [as(await enter(runtime)), as(await enter(runtime))]
    const runId = await mine.rest.create('echo')
    expect((await mine.rest.events(`runs/${runId}/events`)).at(-1)?.type).toBe('run.succeeded')
    for (const stranger of [others, as({ 'x-user': 'ada' })]) {
      expect((await stranger.rest.get(`runs/${runId}`)).status).toBe(404)
      expect((await stranger.rest.get('runs')).body['count']).toBe(0)
    }
    // Only events for users.
    expect((await mine.rest.get(`runs/${runId}/events?include_all=1`)).status).toBe(403)
  })

  test.for<[string, unknown]>([
    ['undefined', undefined],
    ['false', false],
    ['an empty object', {}],
    ['a time that is text', { id: 'v', tenantId: '', expiresAt: '2999-01-01T00:00:00Z' }],
  ])('is of nobody when an application’s store answers %s: 401', async ([, found], { createServer }) => {
    const store = { create: async () => {}, find: async () => found as never, end: async () => {} }
    const { as } = await createServer({ agents, anonymousSessions: { store }, worker: false })
    const { status } = await as({ 'x-anonymous-token': 'a'.repeat(43) }).rest.get('runs')
    expect(status).toBe(401)
  })

  test('is of nobody when its token is unknown, malformed or too old: 401', async ({
    createServer,
    database,
  }) => {
    const { runtime, as } = await createServer({ agents, anonymousSessions })
    const headers = await enter(runtime)
    expect((await as(headers).rest.get('runs')).status).toBe(200)
    for (const token of ['x', 'A'.repeat(43), 'A'.repeat(5_000), `${headers['x-anonymous-token']}=`]) {
      const { status, body } = await as({ 'x-anonymous-token': token }).rest.get('runs')
      expect([status, body['code']]).toEqual([401, 'unauthorized'])
    }
    expect((await as({}).rest.get('runs')).status).toBe(401)
    await database.sql(`UPDATE agent_runtime.anonymous_session SET expires_at = now()`)
    expect((await as(headers).rest.get('runs')).status).toBe(401)
    await expect(as(headers).trpc.client.runs.list.query({})).rejects.toMatchObject({
      data: { error: { code: 'unauthorized' } },
    })
  })

  test('ends an open stream when it is over', async ({ createServer, database }) => {
    const { agent, release } = createHeldAgent()
    const { runtime, as } = await createServer({
      agents: [agent],
      anonymousSessions,
      config: { streamReauthenticateSeconds: 0.05 },
    })
    const { rest } = as(await enter(runtime))
    const runId = await rest.create('held')
    const stream = await rest.stream(`runs/${runId}/events`)
    await stream.until('run.started')
    await database.sql(`UPDATE agent_runtime.anonymous_session SET expires_at = now()`)
    expect(await stream.next()).toBeUndefined()
    release()
  })

  test('is not asked about where somebody has signed in', async ({ createServer }) => {
    const { runtime, as } = await createServer({
      agents,
      anonymousSessions,
      authenticate(request) {
        const user = request.headers.get('authorization')
        if (user === 'Bearer expired') throw new AgentRuntimeError('unauthorized', 'Sign in again.')
        return user === null ? null : ADA
      },
    })
    const visitor = await enter(runtime)
    const runId = await as({ authorization: 'Bearer x' }).rest.create('echo')
    for (const headers of [visitor, { 'x-anonymous-token': 'nobody’s'.replace('’', '') }]) {
      const both = as({ ...headers, authorization: 'Bearer x' })
      expect((await both.rest.get(`runs/${runId}`)).status).toBe(200)
    }
    // A signed-in user does not become a visitor without asking.
    const { status, body } = await as({ ...visitor, authorization: 'Bearer expired' }).rest.get('runs')
    expect([status, body['error']]).toEqual([401, 'Sign in again.'])
  })

  test('is there for those who ask for it alone', async ({ createServer }) => {
    const { runtime, rest, trpc } = await createServer({ agents })
    expect((await post(runtime)).status).toBe(404)
    expect((await post(runtime, '/api/accounts/anonymous-session')).status).toBe(404)
    await expect(trpc.client.sessions.createAnonymous.mutate()).rejects.toMatchObject({
      data: { error: { code: 'not_found' } },
    })
    expect(await runtime.sessions.find('A'.repeat(43))).toBeNull()
    // Everybody is the public principal, as without sessions.
    expect((await rest.get('runs')).status).toBe(200)
  })

  test('lasts longer when it is used, where that is wished for', async ({ createServer, database }) => {
    const config = { anonymousSessionDays: 10, anonymousSessionRenewal: true }
    const { runtime } = await createServer({ agents, anonymousSessions, config, worker: false })
    const token = await tokenOf(await post(runtime))
    const daysLeft = async () => {
      const [row] = await database.sql<{ days: number }>(
        `SELECT extract(epoch FROM expires_at - now())::float8 / 86400 AS days FROM agent_runtime.anonymous_session`,
      )
      return Math.round(row?.days ?? 0)
    }
    const age = (days: number) =>
      database.sql(`UPDATE agent_runtime.anonymous_session SET expires_at = now() + $1 * interval '1 day'`, [
        days,
      ])
    await age(6)
    expect(await runtime.sessions.find(token)).toMatchObject({ kind: 'anonymous', tenantId: '' })
    expect(await daysLeft()).toBe(6)
    await age(4)
    expect(await runtime.sessions.find(token)).not.toBeNull()
    expect(await daysLeft()).toBe(10)
    await age(-1)
    expect(await runtime.sessions.find(token)).toBeNull()
    expect(await daysLeft()).toBe(-1)
  })

  test('belongs to the tenant that the application names', async ({ createServer }) => {
    const { runtime } = await createServer({
      agents,
      anonymousSessions: { tenantOf: (request) => request.headers.get('x-team') ?? '' },
      worker: false,
    })
    const token = await tokenOf(await post(runtime, PATH, { headers: { 'x-team': 'acme' } }))
    expect(await runtime.sessions.find(token)).toMatchObject({ kind: 'anonymous', tenantId: 'acme' })
  })

  test('goes when it is long over, and its runs stay', async ({ createServer, database }) => {
    const { sql } = database
    const first = await createServer({ agents, anonymousSessions })
    await first.as(await enter(first.runtime)).rest.create('echo')
    await enter(first.runtime)
    await vi.waitUntil(
      async () => (await sql(`SELECT FROM agent_runtime.run WHERE status = 'succeeded'`)).length === 1,
    )
    await sql(`UPDATE agent_runtime.anonymous_session SET created_at = now() - interval '2 hours'`)
    await sql(
      `UPDATE agent_runtime.anonymous_session SET expires_at = now() - interval '25 hours'
       WHERE owner_id IN (SELECT owner_id FROM agent_runtime.run)`,
    )
    await first.runtime.stop()
    // Every process looks when it starts.
    await createServer({ agents, anonymousSessions })
    await vi.waitUntil(async () => (await sql(`SELECT FROM agent_runtime.anonymous_session`)).length === 1)
    expect(await sql(`SELECT address_hash AS a FROM agent_runtime.anonymous_session`)).toEqual([{ a: null }])
    expect(await sql(`SELECT FROM agent_runtime.run`)).toHaveLength(1)
  })
})

describe('visitors of one network', () => {
  const config = { anonymousSessionsPerAddress: 3 }
  const statuses = async (answers: Promise<Response>[]) =>
    (await Promise.all(answers)).map(({ status }) => status).toSorted((a, b) => a - b)

  test('are let in up to a bound, whichever server they ask: 429 says when to try again', async ({
    createServer,
    database,
  }) => {
    const options = { agents, anonymousSessions, config, worker: false } as const
    const servers = [(await createServer(options)).runtime, (await createServer(options)).runtime]
    const asked = Array.from({ length: 10 }, (_, n) =>
      post(servers[n % 2] as AgentRuntime, PATH, { from: '192.0.2.1' }),
    )
    expect(await statuses(asked)).toEqual([201, 201, 201, ...Array.from({ length: 7 }, () => 429)])
    const [server] = servers as [AgentRuntime]
    const refused = await post(server, PATH, { from: '::ffff:192.0.2.1' })
    expect(refused.status).toBe(429)
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(3_500)
    expect(seconds).toBeLessThanOrEqual(3_600)
    expect((await post(server, PATH, { from: '192.0.2.2' })).status).toBe(201)
    const addresses = await database.sql<{ a: Buffer }>(
      'SELECT DISTINCT address_hash AS a FROM agent_runtime.anonymous_session',
    )
    expect(addresses.map(({ a }) => a.length)).toEqual([32, 32])
    await database.sql(
      `UPDATE agent_runtime.anonymous_session SET created_at = now() - interval '61 minutes'`,
    )
    expect((await post(server, PATH, { from: '192.0.2.1' })).status).toBe(201)
  })

  test('of IPv6 are those of the same 64 bits', async ({ createServer }) => {
    const { runtime } = await createServer({ agents, anonymousSessions, config, worker: false })
    const from = (address: string) => post(runtime, PATH, { from: address })
    expect(
      await statuses(['2001:db8::1', '2001:db8:0:0:ffff::2', '2001:db8::3%eth0', '2001:db8::4'].map(from)),
    ).toEqual([201, 201, 201, 429])
    expect((await from('2001:db8:0:1::1')).status).toBe(201)
  })

  test('are told by trusted proxies, and by nobody else', async ({ createServer }) => {
    const trustedProxies = ['loopback', '10.0.0.0/8']
    const options = { agents, anonymousSessions, worker: false } as const
    const { runtime } = await createServer({ ...options, config: { ...config, trustedProxies } })
    const ask = (from: string, forwarded: string) =>
      post(runtime, PATH, { from, headers: { 'x-forwarded-for': forwarded } })
    // Each is another visitor, behind a proxy that is itself behind another one.
    expect(await statuses([1, 2, 3, 4].map((n) => ask('127.0.0.1', `198.51.100.${n}, 10.1.1.1`)))).toEqual([
      201, 201, 201, 201,
    ])
    // The visitor's invented addresses come before those that the proxy saw.
    expect(
      await statuses([1, 2, 3, 4].map((n) => ask('10.0.0.7', `203.0.113.${n}, 198.51.100.99:4711`))),
    ).toEqual([201, 201, 201, 429])
    expect(await statuses([1, 2, 3, 4].map((n) => ask('192.0.2.9', `203.0.113.${n}`)))).toEqual([
      201, 201, 201, 429,
    ])
    await expect(createServer({ ...options, config: { trustedProxies: ['10.0.0.0/33'] } })).rejects.toThrow(
      /trustedProxies \(TRUSTED_PROXIES\): A network is/,
    )
  })

  test('share one bound where the address is not known, and the log says so once', async ({
    createServer,
  }) => {
    const { runtime, log } = await createServer({ agents, anonymousSessions, config, worker: false })
    // Bun and Next.js pass an object of their own.
    const strange = [undefined, { address: { address: '192.0.2.1' } }, { params: {} }, { remoteAddress: 4 }]
    const answers = await Promise.all(
      strange.map((connection) =>
        runtime.handler(new Request(`http://runtime.test${PATH}`, { method: 'POST' }), connection),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 201, 429])
    expect(log.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })

  test('are any number where there is no bound', async ({ createServer, database }) => {
    const { runtime } = await createServer({
      agents,
      anonymousSessions,
      config: { anonymousSessionsPerAddress: false },
      worker: false,
    })
    expect(await statuses(Array.from({ length: 120 }, () => post(runtime)))).toEqual(
      Array.from({ length: 120 }, () => 201),
    )
    expect(
      await database.sql('SELECT DISTINCT address_hash AS a FROM agent_runtime.anonymous_session'),
    ).toEqual([{ a: null }])
  })

  test('are told by Node’s own server, over tRPC too', async ({ createServer }) => {
    const { runtime } = await createServer({ agents, anonymousSessions, config, worker: false })
    const server = createHttpServer(runtime.nodeHandler)
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const ask = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: path.startsWith('/trpc') ? { 'content-type': 'application/json' } : {},
      })
    const paths = [PATH, '/trpc/sessions.createAnonymous', '/api/accounts/anonymous-session/', PATH]
    const seen = []
    for (const path of paths) seen.push((await ask(path)).status)
    expect(seen).toEqual([201, 200, 201, 429])
    const refused = await ask('/trpc/sessions.createAnonymous')
    expect([refused.status, Number(refused.headers.get('retry-after')) > 3_000]).toEqual([429, true])
    // Another network has its own bound.
    expect((await post(runtime, PATH, { from: '192.0.2.1' })).status).toBe(201)
  })
})
