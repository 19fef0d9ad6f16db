import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Principal, Settings } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { startTestRedis, withoutRedis } from '../../../support/redis.ts'
import { test } from '../../../support/runtime.ts'
import type { Sql } from '../../../support/runtime.ts'

const authenticate = ({ headers }: Request): Principal => ({
  id: headers.get('x-user') ?? 'ada',
  tenantId: headers.get('x-tenant') ?? 'acme',
  kind: 'user',
})
const quick = defineAgent({ key: 'quick', run: async () => ({ output: 'done' }) })

const GATES = 'SELECT gate FROM agent_runtime.run ORDER BY id'
type Database = { sql: Sql }

async function gatesIn(database: Database): Promise<(string | null)[]> {
  return (await database.sql<{ gate: string | null }>(GATES)).map(({ gate }) => gate)
}

const untilGates = (database: Database, ...gates: (string | null)[]) =>
  vi.waitFor(async () => expect(await gatesIn(database)).toEqual(gates))

const bob = { 'x-user': 'bob' }
const beta = { 'x-tenant': 'beta' }

const QUEUES = [
  ['PostgreSQL', async () => ({ config: {} as Settings, [Symbol.asyncDispose]: async () => {} })],
  [
    'Redis',
    async () => {
      const redis = await startTestRedis()
      return {
        config: { queueBackend: 'redis', redisUrl: redis.url } as Settings,
        [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
      }
    },
  ],
] as const

describe.for(QUEUES.filter(([name]) => name !== 'Redis' || withoutRedis === false))(
  'a tenant with many runs, with the queue in %s,',
  ([, startQueue]) => {
    test('leaves room for others, and has all of them executed', async ({ createServer, database }) => {
      await using queue = await startQueue()
      const held = createHeldAgent()
      const config = { ...queue.config, tenantRunsAtOnce: 2, concurrency: 3 }
      const { as, rest } = await createServer({ agents: [held.agent], authenticate, config })
      const ids = await Promise.all(
        Array.from({ length: 10 }, (_, index) => as(index % 2 === 0 ? {} : bob).rest.create('held')),
      )
      const theirs = [(await held.attempt(0)).principal.tenantId, (await held.attempt(1)).principal.tenantId]
      expect(theirs).toEqual(['acme', 'acme'])
      const other = await as(beta).rest.create('held')
      // If one queue had the ten, it would be another of theirs.
      expect((await held.attempt(2)).runId).toBe(other)
      expect((await gatesIn(database)).filter((gate) => gate === 'tenant')).toHaveLength(8)
      for (const id of ids) {
        const { body } = await as(ids.indexOf(id) % 2 === 0 ? {} : bob).rest.get(`runs/${id}`)
        expect(['queued', 'running']).toContain(body['status'])
      }
      held.release()
      for (const id of ids) await as(ids.indexOf(id) % 2 === 0 ? {} : bob).rest.events(`runs/${id}/events`)
      expect((await rest.get('runs?status=succeeded')).body).toMatchObject({ count: 5 })
    })
  },
)

describe('runs at once', () => {
  test('of a principal have a limit of their own, within the tenant’s', async ({ createServer }) => {
    const held = createHeldAgent()
    const config = { principalRunsAtOnce: 1, tenantRunsAtOnce: 2 }
    const { as, rest } = await createServer({ agents: [held.agent], authenticate, config })
    const ids = [await rest.create('held'), await rest.create('held')]
    await held.attempt(0)
    const bobs = await as(bob).rest.create('held')
    expect((await held.attempt(1)).runId).toBe(bobs)
    const eve = as({ 'x-user': 'eve' }).rest
    const eves = await eve.create('held')
    const ofBeta = await as(beta).rest.create('held')
    expect((await held.attempt(2)).runId).toBe(ofBeta)
    held.release()
    for (const id of ids) await rest.events(`runs/${id}/events`)
    await eve.events(`runs/${eves}/events`)
  })

  test('are counted right by two servers at once', async ({ createServer, database }) => {
    const config = { principalRunsAtOnce: 3, tenantRunsAtOnce: 5 }
    const options = { agents: [quick], authenticate, config, worker: false }
    const servers = [await createServer(options), await createServer(options)] as const
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        servers[index % 2 === 0 ? 0 : 1]
          .as({ 'x-user': `user-${index % 3}`, 'x-tenant': index % 10 === 0 ? 'beta' : 'acme' })
          .rest.post('runs', {
            agent_key: 'quick',
            ...(index % 5 === 0 && { idempotency_key: `key-${index % 15}` }),
          }),
      ),
    )
    for (const answer of answers) expect([200, 201]).toContain(answer.status)
    const PASSED = `
      SELECT tenant_id AS tenant, max(runs)::int <= 3 AS each, sum(runs)::int AS total FROM (
        SELECT tenant_id, owner_id, count(*) AS runs FROM agent_runtime.run
        WHERE gate = 'passed' GROUP BY 1, 2) AS of_owners
      GROUP BY 1 ORDER BY 1`
    // A place kept for a key that was used meanwhile goes to another run a moment later.
    await vi.waitFor(async () =>
      expect(await database.sql(PASSED)).toEqual([
        { tenant: 'acme', each: true, total: 5 },
        { tenant: 'beta', each: true, total: 3 },
      ]),
    )
    expect(await database.sql(`SELECT count(*)::int AS jobs FROM agent_runtime_queue.job`)).toEqual([
      { jobs: 8 },
    ])
    await servers[0].runtime.startWorker()
    await vi.waitFor(async () =>
      expect(await database.sql(`SELECT FROM agent_runtime.run WHERE status <> 'succeeded'`)).toEqual([]),
    )
  })

  test('are made up for by others when a process dies before it could', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer({
      agents: [quick],
      authenticate,
      worker: false,
      config: { principalRunsAtOnce: 1 },
    })
    await rest.create('quick')
    await rest.create('quick')
    expect(await gatesIn(database)).toEqual(['passed', 'principal'])
    // The state that a process leaves if it commits an ending and nothing more.
    await database.sql(
      `WITH r AS (
         UPDATE agent_runtime.run SET status = 'cancelled', finished_at = now(), last_seq = 1
         WHERE gate = 'passed' RETURNING *)
       INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
       SELECT id, 1, attempt, 'run.cancelled', 'user', '{}', now() FROM r`,
    )
    await untilGates(database, 'passed', 'passed')
  })

  test('are those of whoever has the runs now: a visitor’s become a user’s', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer({
      agents: [quick],
      authenticate,
      worker: false,
      config: { principalRunsAtOnce: 1, tenantRunsAtOnce: 2 },
    })
    for (let count = 0; count < 4; count += 1) await rest.create('quick')
    expect(await gatesIn(database)).toEqual(['passed', 'principal', 'principal', 'principal'])
    // The changes of a claim.
    await database.sql(
      `UPDATE agent_runtime.run SET owner_id = 'bob', tenant_id = CASE WHEN n = 2 THEN tenant_id ELSE 'beta' END
       FROM (SELECT id AS run_id, row_number() OVER (ORDER BY id) AS n FROM agent_runtime.run) AS numbered
       WHERE id = run_id AND n > 1`,
    )
    await untilGates(database, 'passed', 'passed', 'passed', 'principal')
  })

  test('end with a cancellation too, of one that was let in or of one that was not', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer({
      agents: [quick],
      authenticate,
      worker: false,
      config: { tenantRunsAtOnce: 1 },
    })
    const ids = [await rest.create('quick'), await rest.create('quick'), await rest.create('quick')]
    expect((await rest.post(`runs/${ids[1]}/cancel`)).body).toMatchObject({ run: { status: 'cancelled' } })
    expect(await gatesIn(database)).toEqual(['passed', 'tenant', 'tenant'])
    await rest.post(`runs/${ids[0]}/cancel`)
    await vi.waitFor(async () => expect((await gatesIn(database)).at(-1)).toBe('passed'))
    const late = await rest.create('quick', { expires_at: new Date(Date.now() + 50).toISOString() })
    await vi.waitFor(async () =>
      expect((await rest.get(`runs/${late}`)).body).toMatchObject({ status: 'timed_out' }),
    )
  })

  test('do not count what is for later, which comes to the gates at its time', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer({ agents: [quick], authenticate, config: { tenantRunsAtOnce: 1 } })
    const soon = await rest.create('quick', { run_at: new Date(Date.now() + 700).toISOString() })
    const past = await rest.create('quick', { run_at: new Date(Date.now() - 60_000).toISOString() })
    await rest.create('quick', { run_at: '2999-01-01T00:00:00Z' })
    expect((await rest.get(`runs/${soon}`)).body).toMatchObject({ status: 'queued' })
    await rest.events(`runs/${past}/events`)
    await rest.events(`runs/${soon}/events`)
    expect(await gatesIn(database)).toEqual(['passed', 'passed', 'later'])
  })

  test('go with turns in conversations: no run that waits for its turn has a place', async ({
    createServer,
    database,
  }) => {
    const held = createHeldAgent()
    const { rest } = await createServer({
      agents: [held.agent, quick],
      authenticate,
      config: { tenantRunsAtOnce: 2 },
    })
    const { body: conversation } = await rest.post('conversations', {})
    const inIt = { conversation_id: conversation['id'] }
    const first = await rest.create('held', inIt)
    await held.attempt(0)
    const second = await rest.create('held', inIt)
    const third = await rest.create('held', inIt)
    expect(await gatesIn(database)).toEqual(['passed', 'later', 'later'])
    const apart = await rest.create('held')
    expect((await held.attempt(1)).runId).toBe(apart)
    const parked = await rest.create('held')
    expect((await gatesIn(database)).at(-1)).toBe('tenant')
    held.release()
    for (const id of [first, second, third, apart, parked]) await rest.events(`runs/${id}/events`)
    const interrupted = await rest.create('quick', { ...inIt, run_at: '2999-01-01T00:00:00Z' })
    const last = await rest.create('quick', { ...inIt, conversation_policy: 'interrupt' })
    await rest.events(`runs/${last}/events`)
    expect((await rest.get(`runs/${interrupted}`)).body).toMatchObject({ status: 'cancelled' })
  })

  test('are let in by priority, then age; a key that is repeated is one run', async ({ createServer }) => {
    const order: unknown[] = []
    const held = createHeldAgent()
    const noting = defineAgent({
      key: 'noting',
      run: async (ctx) => {
        order.push(ctx.metadata['name'])
      },
    })
    const { rest } = await createServer({
      agents: [held.agent, noting],
      authenticate,
      config: { tenantRunsAtOnce: 1 },
    })
    await rest.create('held')
    await held.attempt(0)
    const ids: string[] = []
    for (const [name, priority] of [
      ['low', -1],
      ['first', 0],
      ['second', 0],
      ['high', 1],
    ] as const) {
      ids.push(await rest.create('noting', { priority, metadata: { name }, idempotency_key: name }))
    }
    const again = { agent_key: 'noting', idempotency_key: 'first' }
    expect(await rest.post('runs', again)).toMatchObject({
      status: 200,
      body: { id: ids[1], status: 'queued' },
    })
    held.release()
    for (const id of ids) await rest.events(`runs/${id}/events`)
    expect(order).toEqual(['high', 'first', 'second', 'low'])
  })

  test('keep the place of what was started: a retry goes on, and so does what was answered', async ({
    createServer,
  }) => {
    const held = createHeldAgent()
    const asking = defineAgent({
      key: 'asking',
      maxAttempts: 2,
      async run(ctx) {
        const { status } = await ctx.wait('name', z.string())
        if (ctx.attempt === 2) throw new Error('once')
        return { output: status }
      },
    })
    const { rest } = await createServer({
      agents: [held.agent, asking],
      authenticate,
      config: { tenantRunsAtOnce: 1 },
    })
    const asked = await rest.create('asking')
    await vi.waitFor(async () =>
      expect((await rest.get(`runs/${asked}`)).body).toMatchObject({ status: 'waiting' }),
    )
    // It has no place while it waits.
    await rest.create('held')
    await held.attempt(0)
    const parked = await rest.create('held')
    await rest.post(`runs/${asked}/respond`, { wait: 'name', value: 'Ada' })
    await rest.events(`runs/${asked}/events`)
    expect((await rest.get(`runs/${asked}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: 'answered' },
      attempt: 3,
    })
    expect((await rest.get(`runs/${parked}`)).body).toMatchObject({ status: 'queued', started_at: null })
    held.release()
    await rest.events(`runs/${parked}/events`)
  })

  test('have no limit where there are no tenants, or nobody says who they are', async ({
    createServer,
    database,
  }) => {
    const limits = { principalRunsAtOnce: 1, tenantRunsAtOnce: 1 }
    const open = await createServer({ agents: [quick], worker: false, config: limits })
    await open.rest.create('quick')
    await open.rest.create('quick')
    const one = await createServer({
      agents: [quick],
      authenticate,
      worker: false,
      config: { tenantRunsAtOnce: 1 },
    })
    const { rest } = one.as({ 'x-tenant': '' })
    await rest.create('quick')
    await rest.create('quick')
    expect(await gatesIn(database)).toEqual([null, null, null, null])
  })

  test('that were parked are let in when the limit is taken away', async ({ createServer, database }) => {
    const options = { agents: [quick], authenticate, worker: false }
    const limited = await createServer({
      ...options,
      config: { principalRunsAtOnce: 1, tenantRunsAtOnce: 1 },
    })
    for (let count = 0; count < 3; count += 1) await limited.rest.create('quick')
    expect(await gatesIn(database)).toEqual(['passed', 'principal', 'principal'])
    await limited.runtime.stop()
    const { runtime } = await createServer(options)
    await runtime.start()
    await untilGates(database, 'passed', 'passed', 'passed')
  })
})
