import { describe, expect, vi } from 'vitest'
import { createAgentClient } from '../../../../client/index.ts'
import { AgentRuntimeError, defineAgent } from '../../../../server/index.ts'
import type { Principal, Quota } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => {} })
const hourly = defineAgent({
  key: 'hourly',
  schedules: [{ name: 'often', cron: '* * * * * *' }],
  run: async () => {},
})
const authenticate = ({ headers }: Request): Principal => ({
  id: headers.get('x-user') ?? 'ada',
  tenantId: 'acme',
  kind: 'user',
})
const withQuota = (quota: Quota) => ({ agents: [agent] as const, worker: false, authenticate, quota })
const request = { agent_key: 'agent', messages: [] }

const WRONG: readonly (readonly [string, () => unknown])[] = [
  ['false', () => false],
  ['a number', () => 60],
  ['an object without a time', () => ({})],
  ['a time below zero', () => ({ retryAfterSeconds: -1 })],
  ['no time at all', () => ({ retryAfterSeconds: Number.NaN })],
  ['for ever', () => ({ retryAfterSeconds: Number.POSITIVE_INFINITY })],
  ['a slip', () => ({ retryAfterSeconds: 1, mesage: 'wait' })],
  [
    'a thrown error',
    () => {
      throw new Error('the counter at 10.1.2.3 is away')
    },
  ],
  ['a rejection', () => Promise.reject(new Error('the counter at 10.1.2.3 is away'))],
  ['silence', () => new Promise<never>(() => {})],
]

describe('a quota', () => {
  test('refuses with when to try again, over REST, tRPC, the client and in code', async ({
    createServer,
  }) => {
    const asked: unknown[] = []
    const { rest, trpc, runtime, as } = await createServer(
      withQuota((principal, agentKey) => {
        asked.push([principal.id, agentKey])
        return principal.id === 'eve' ? { retryAfterSeconds: 61.2, message: 'Ten runs an hour.' } : undefined
      }),
    )
    expect((await rest.post('runs', request)).status).toBe(201)
    await trpc.client.runs.create.mutate({ agentKey: 'agent' })
    expect(asked).toEqual([
      ['ada', 'agent'],
      ['ada', 'agent'],
    ])
    const eve = as({ 'x-user': 'eve' })
    const error = 'Ten runs an hour.'
    const refused = { code: 'rate_limited', error, details: { retryAfterSeconds: 62 } }
    const overRest = await runtime.handler(
      new Request('http://server/api/agents/runs', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-user': 'eve' },
        body: JSON.stringify(request),
      }),
    )
    expect([overRest.status, overRest.headers.get('retry-after'), await overRest.json()]).toEqual([
      429,
      '62',
      { ...refused, detail: error },
    ])
    const overTrpc = await runtime.handler(
      new Request('http://server/trpc/runs.create', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-user': 'eve' },
        body: JSON.stringify({ agentKey: 'agent' }),
      }),
    )
    expect([overTrpc.status, overTrpc.headers.get('retry-after'), await overTrpc.json()]).toMatchObject([
      429,
      '62',
      { error: { data: { error: refused } } },
    ])
    await expect(eve.trpc.client.runs.create.mutate({ agentKey: 'agent' })).rejects.toMatchObject({
      data: { error: refused },
    })
    const client = createAgentClient<typeof runtime>({
      url: 'http://server/trpc',
      fetch: (url, init) => runtime.handler(new Request(url, init)),
      headers: { 'x-user': 'eve' },
    })
    const byClient: unknown = await client.runs.create({ agentKey: 'agent' }).catch((error: unknown) => error)
    expect(byClient).toBeInstanceOf(AgentRuntimeError)
    expect(byClient).toMatchObject({ code: 'rate_limited', status: 429, retryAfterSeconds: 62 })
    const principal: Principal = { id: 'eve', tenantId: 'acme', kind: 'user' }
    await expect(runtime.runs.create(principal, { agentKey: 'agent' })).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 62,
    })
    expect((await eve.rest.get('runs')).body).toMatchObject({ count: 0 })
  })

  test('is asked about new runs alone: not for what is refused anyway, repeated or scheduled', async ({
    createServer,
    database,
  }) => {
    const quota = vi.fn<Quota>(() => ({ retryAfterSeconds: 1 })).mockReturnValueOnce(true)
    const { rest } = await createServer({ ...withQuota(quota), agents: [agent, hourly] })
    expect((await rest.post('runs', { ...request, max_attempts: 100 })).status).toBe(400)
    expect((await rest.post('runs', { agent_key: 'none' })).status).toBe(400)
    expect(quota).not.toHaveBeenCalled()
    const keyed = { ...request, idempotency_key: 'one' }
    const first = await rest.post('runs', keyed)
    expect(first.status).toBe(201)
    expect(await rest.post('runs', keyed)).toMatchObject({ status: 200, body: { id: first.body['id'] } })
    expect(await rest.post('runs', { ...keyed, params: { other: true } })).toMatchObject({ status: 409 })
    expect(quota).toHaveBeenCalledTimes(1)
    expect(await rest.post('runs', { ...request, idempotency_key: 'two' })).toMatchObject({ status: 429 })
    await vi.waitFor(async () =>
      expect(
        await database.sql(`SELECT FROM agent_runtime.run WHERE agent_key = 'hourly' LIMIT 1`),
      ).toHaveLength(1),
    )
    expect(quota).toHaveBeenCalledTimes(2)
  })

  test.for(WRONG)(
    'that answers with %s refuses with 503 and says so in the log',
    async ([, answer], { createServer }) => {
      const { rest, log } = await createServer({
        ...withQuota(answer as unknown as Quota),
        config: { quotaTimeoutSeconds: 0.05 },
      })
      const refused = await rest.post('runs', request)
      expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } })
      expect(JSON.stringify(refused.body)).not.toContain('10.1.2.3')
      expect(log.filter(({ level }) => level === 'error')).toHaveLength(1)
      expect((await rest.get('runs')).body).toMatchObject({ count: 0 })
    },
  )

  test('may refuse in words of its own', async ({ createServer }) => {
    const { rest } = await createServer(
      withQuota(() => {
        throw new AgentRuntimeError('forbidden', 'Your trial is over.')
      }),
    )
    expect(await rest.post('runs', request)).toMatchObject({
      status: 403,
      body: { code: 'forbidden', error: 'Your trial is over.' },
    })
  })
})

describe('what is refused with 429', () => {
  test('tells in a header when to try again, where that is known', async ({ createServer }) => {
    const { runtime } = await createServer({
      agents: [agent],
      worker: false,
      authenticate: () => {
        throw new AgentRuntimeError('rate_limited', 'Slower.', { details: { retryAfterSeconds: 7 } })
      },
    })
    for (const path of [
      '/api/agents/runs',
      '/trpc/runs.list?input={}',
      '/trpc/runs.list,runs.list?batch=1&input={}',
    ]) {
      const { headers } = await runtime.handler(new Request(`http://server${path}`))
      expect([path, headers.get('retry-after')]).toEqual([path, '7'])
    }
  })
})
