// Deletes finished and running work: a run, a conversation, everything of a principal or a tenant.
import { describe, expect, vi } from 'vitest'
import { v7 as uuidv7 } from 'uuid'
import { defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { startTestRedis, withoutRedis } from '../../../support/redis.ts'
import { test } from '../../../support/runtime.ts'
import type { Sql } from '../../../support/runtime.ts'
import { createTestPool } from '../../../support/pool.ts'
import { createTestStore } from '../../../support/store.ts'

const quick = defineAgent({
  key: 'quick',
  async run(ctx) {
    await ctx.checkpoint({ at: 'begin' })
    await ctx.step('work', () => 'done')
    await ctx.emitMessage('Done.')
    return { messages: [{ role: 'assistant', content: 'Done.' }] }
  },
})

const TABLES = ['conversation', 'run', 'message', 'event', 'checkpoint', 'step', 'wait']

/** The number of all rows. */
async function rowsIn(sql: Sql): Promise<number> {
  const counts = TABLES.map((table) => `(SELECT count(*)::int FROM agent_runtime.${table})`)
  const [row] = await sql<{ count: number }>(`SELECT ${counts.join(' + ')} AS count`)
  return row?.count ?? NaN
}

const QUEUES = [
  ['PostgreSQL', false, async () => ({ config: {}, [Symbol.asyncDispose]: async () => {} })],
  [
    'Redis',
    withoutRedis,
    async () => {
      const redis = await startTestRedis()
      return {
        config: { queueBackend: 'redis' as const, redisUrl: redis.url },
        [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
      }
    },
  ],
] as const

describe.for(QUEUES)('with the queue in %s', ([, without, startQueue]) => {
  test(
    'a conversation goes with all its runs: its worker lets go, streams end, deliveries lead to nothing',
    { skip: without !== false },
    async ({ createServer, database }) => {
      await using queue = await startQueue()
      const held = createHeldAgent()
      const options = { agents: [held.agent, quick], config: queue.config }
      const worker = await createServer(options)
      const { rest, trpc, log } = await createServer({ ...options, worker: false })
      const { body } = await rest.post('conversations', {})
      const conversation_id = String(body['id'])
      const over = await rest.create('quick', {
        conversation_id,
        messages: [{ role: 'user', content: 'Hi' }],
      })
      await rest.events(`runs/${over}/events`)
      const running = await rest.create('held', { conversation_id })
      const waiting = await rest.create('quick', { conversation_id })
      const later = await rest.create('quick', { conversation_id, run_at: '2999-01-01T00:00:00Z' })
      const { signal } = await held.attempt(0)
      const stream = await rest.stream(`runs/${running}/events`)
      await stream.until('run.started')
      const follows = Promise.withResolvers<void>()
      const followed = trpc.events({ runId: running }, { onEvent: () => follows.resolve() })
      await follows.promise

      expect(await rest.request('DELETE', `conversations/${conversation_id}`)).toMatchObject({
        status: 204,
        body: {},
      })
      expect(await rowsIn(database.sql)).toBe(0)
      expect(await stream.next()).toBeUndefined()
      expect((await followed).map(({ type }) => type)).toEqual(['run.started'])
      await vi.waitUntil(() => signal.aborted)
      expect(signal.reason).toMatchObject({ kind: 'lost' })
      for (const path of [
        `conversations/${conversation_id}`,
        ...[over, running, waiting, later].map((id) => `runs/${id}`),
      ]) {
        expect([path, (await rest.get(path)).status]).toEqual([path, 404])
      }
      expect((await rest.post('runs', { agent_key: 'quick', conversation_id })).status).toBe(404)
      expect((await rest.request('DELETE', `conversations/${conversation_id}`)).status).toBe(404)
      // Later deliveries are taken as usual.
      const next = await rest.create('quick')
      expect((await rest.events(`runs/${next}/events`)).at(-1)?.type).toBe('run.succeeded')
      const complaints = [...log, ...worker.log].filter(({ level }) => level === 'error' || level === 'warn')
      expect(complaints).toEqual([])
    },
  )
})

describe('a conversation', () => {
  test('of 10,000 runs is deleted in batches', async ({ createServer, database }) => {
    const { rest } = await createServer({ agents: [quick], worker: false })
    const [doomed, kept] = [
      (await rest.post('conversations', {})).body,
      (await rest.post('conversations', {})).body,
    ]
    await database.sql(
      `WITH r AS (
         INSERT INTO agent_runtime.run (id, owner_id, owner_kind, conversation_id, agent_key, status, max_attempts, timeout_ms, attempt, last_seq, created_at, started_at, finished_at)
         SELECT gen_random_uuid(), 'public', 'public', $1, 'quick', 'succeeded', 1, 1000, 1, 2, now(), now(), now() FROM generate_series(1, 10000)
         RETURNING id
       ) INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
       SELECT r.id, seq, 1, CASE seq WHEN 1 THEN 'run.started' ELSE 'run.succeeded' END, 'user', '{}', now()
       FROM r CROSS JOIN generate_series(1, 2) AS seq`,
      [doomed['id']],
    )
    // Nobody else waits for a lock longer than one batch, so others create meanwhile.
    const [deleted, created] = await Promise.all([
      rest.request('DELETE', `conversations/${String(doomed['id'])}`),
      rest.post('runs', { agent_key: 'quick', conversation_id: kept['id'] }),
    ])
    expect([deleted.status, created.status]).toEqual([204, 201])
    expect((await rest.get('runs')).body['count']).toBe(1)
  })

  test('of which a process that died deleted a part is deleted by another', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer({ agents: [quick], worker: false })
    const { body } = await rest.post('conversations', {})
    await rest.create('quick', { conversation_id: body['id'] })
    const pool = createTestPool(database.url)
    const owner = { id: 'public', tenantId: '', kind: 'public' } as const
    expect(await createTestStore(pool).hideConversation(owner, String(body['id']))).toBe(true)
    await pool.end()
    expect((await rest.get('conversations?archived=all')).body['count']).toBe(0)
    expect((await rest.get(`conversations/${String(body['id'])}`)).status).toBe(404)
    // It looks for work when it starts.
    const other = await createServer({ agents: [quick] })
    await vi.waitUntil(async () => (await rowsIn(database.sql)) === 0)
    // Its delivery is removed with the next one.
    const next = await other.rest.create('quick')
    await other.rest.events(`runs/${next}/events`)
  })
})

describe('a run', () => {
  test('is deleted when it is over, and not before', async ({ createServer, database }) => {
    const held = createHeldAgent()
    const { rest, trpc } = await createServer({ agents: [held.agent, quick] })
    const [running, over] = [await rest.create('held'), await rest.create('quick')]
    await rest.events(`runs/${over}/events`)
    await held.attempt(0)
    expect(await rest.request('DELETE', `runs/${running}`)).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    })
    expect((await rest.request('DELETE', `runs/${over}`)).status).toBe(204)
    expect((await rest.get(`runs/${over}`)).status).toBe(404)
    expect((await rest.request('DELETE', `runs/${uuidv7()}`)).status).toBe(404)
    held.release()
    await rest.events(`runs/${running}/events`)
    await trpc.client.runs.delete.mutate({ runId: running })
    expect(await rowsIn(database.sql)).toBe(0)
  })
})

describe('all of somebody', () => {
  const authenticate = ({ headers }: Request): Principal => {
    const [id = '', tenantId = ''] = (headers.get('x-user') ?? '').split('@')
    return { id, tenantId, kind: 'user' }
  }

  test('is deleted, with a count, and nothing of anybody else', async ({ createServer }) => {
    const held = createHeldAgent()
    const { runtime, as } = await createServer({ agents: [held.agent], authenticate })
    const people = ['ada@acme', 'bob@acme', 'ada@globex'].map((who) => as({ 'x-user': who }).rest)
    for (const rest of people) {
      const { body } = await rest.post('conversations', {})
      await rest.create('held', { conversation_id: body['id'] })
      await rest.create('held', { conversation_id: body['id'] })
      await rest.create('held')
    }
    const counts = () =>
      Promise.all(
        people.flatMap((rest) =>
          ['runs', 'conversations'].map(async (path) => (await rest.get(path)).body['count']),
        ),
      )
    expect(await counts()).toEqual([3, 1, 3, 1, 3, 1])
    expect(await runtime.erase({ id: 'ada', tenantId: 'acme', kind: 'user' })).toEqual({
      conversations: 1,
      runs: 3,
      files: 0,
      schedules: 0,
      memories: 0,
    })
    expect(await counts()).toEqual([0, 0, 3, 1, 3, 1])
    expect(await runtime.erase({ tenantId: 'acme' })).toEqual({
      conversations: 1,
      runs: 3,
      files: 0,
      schedules: 0,
      memories: 0,
    })
    expect(await counts()).toEqual([0, 0, 0, 0, 3, 1])
    expect(await runtime.erase({ tenantId: 'acme' })).toEqual({
      conversations: 0,
      runs: 0,
      files: 0,
      schedules: 0,
      memories: 0,
    })
    // A missing id does not mean everybody.
    const slip = { id: undefined, tenantId: 'globex', kind: 'user' } as unknown as { tenantId: string }
    await expect(runtime.erase(slip)).rejects.toMatchObject({ code: 'validation_failed' })
    expect(await counts()).toEqual([0, 0, 0, 0, 3, 1])
    held.release()
  })
})
