import { createRedisBackend, Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Settings } from '../../../../server/index.ts'
import { createWorkspace, runCli } from '../../../support/cli.ts'
import { startTestRedis, withoutRedis } from '../../../support/redis.ts'
import { test } from '../../../support/runtime.ts'
import { PATIENCE_MS, testQueue } from './conformance.ts'
import { echo, inRedis, prefixIn, jobsIn } from './redis-queue-scene.ts'

describe.skipIf(withoutRedis)(`in Redis${withoutRedis ? `: skipped, ${withoutRedis}` : ''}`, () => {
  testQueue(async () => {
    const redis = await startTestRedis()
    return {
      config: inRedis(redis),
      async putForeign(agentKey, payload) {
        const connection = new Redis(redis.url, { maxRetriesPerRequest: null })
        const prefix = prefixIn(redis, agentKey)
        if (prefix === '') throw new Error('The queue is not there yet.')
        const queue = new Queue(agentKey, { connection, prefix }, createRedisBackend)
        await queue.add('run', payload)
        await queue.close()
        await connection.quit()
      },
      [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
    }
  })

  test('keeps its deliveries out of the database, and forgets executed ones', async ({
    createServer,
    database,
  }) => {
    await using redis = await startTestRedis()
    const { rest, runtime } = await createServer({ agents: [echo], config: inRedis(redis), worker: false })
    const ids = await Promise.all(Array.from({ length: 20 }, () => rest.create('echo')))
    await vi.waitFor(async () => {
      expect(await database.sql('SELECT * FROM agent_runtime.outbox')).toEqual([])
      expect(jobsIn(redis, 'echo')).toHaveLength(20)
    }, PATIENCE_MS)
    await runtime.startWorker()
    await Promise.all(ids.map((id) => rest.events(`runs/${id}/events`)))
    await vi.waitFor(() => expect(jobsIn(redis, 'echo')).toEqual([]), PATIENCE_MS)
    expect(await database.sql('SELECT FROM agent_runtime_queue.job')).toEqual([])
  })

  test('that may throw away a part of what it has is told of, once', async ({ createServer }) => {
    await using redis = await startTestRedis({ 'maxmemory-policy': 'allkeys-lru' })
    const { rest, log } = await createServer({ agents: [echo], config: inRedis(redis) })
    await rest.events(`runs/${await rest.create('echo')}/events`)
    expect(log.filter(({ level }) => level === 'warn')).toEqual([
      {
        level: 'warn',
        fields: { policy: 'allkeys-lru' },
        message: 'Redis may throw away parts of the queue: set maxmemory-policy to noeviction',
      },
    ])
  })

  test('gives out in time what a process created whose queue is in PostgreSQL, and the doctor tells of both', async ({
    createServer,
    database,
  }) => {
    await using redis = await startTestRedis()
    const other = await createServer({
      agents: [echo],
      config: { queueBackend: 'postgres' },
      worker: false,
    })
    await other.runtime.start()
    const { rest } = await createServer({ agents: [echo], config: inRedis(redis) })
    await rest.events(`runs/${await rest.create('echo')}/events`)
    const runId = await other.rest.create('echo')
    expect((await rest.events(`runs/${runId}/events`)).at(-1)?.type).toBe('run.succeeded')
    await using folder = await createWorkspace()
    await using doctor = runCli(['doctor'], { cwd: folder.path, env: { DATABASE_URL: database.url } })
    expect(await doctor.exited).toBe(1)
    expect(doctor.stdout()).toContain('1 agent has a queue in PostgreSQL and one in Redis.')
  })

  test('is left and gone back to without losing a run, whatever it waits for', async ({ createServer }) => {
    await using redis = await startTestRedis()
    const sleeper = defineAgent({
      key: 'sleeper',
      params: z.object({ ms: z.number() }),
      async run(ctx) {
        await ctx.sleep(ctx.params.ms)
        return { output: 'awake' }
      },
    })
    const agents = [echo, sleeper] as const
    const configs: Settings[] = [{ queueBackend: 'postgres' }, inRedis(redis), { queueBackend: 'postgres' }]
    const ids: string[] = []
    for (const config of configs) {
      const server = await createServer({ agents, config, worker: { concurrency: 2 } })
      const asleep = await server.rest.create('sleeper', { params: { ms: 2_000 } })
      await vi.waitFor(async () => {
        expect((await server.rest.get(`runs/${asleep}`)).body['status']).toBe('waiting')
      }, PATIENCE_MS)
      const later = new Date(Date.now() + 1_000).toISOString()
      ids.push(asleep, await server.rest.create('echo', { run_at: later }))
      await server.runtime.stop()
      const silent = await createServer({ agents, config, worker: false })
      ids.push(await silent.rest.create('echo'))
      await silent.runtime.stop()
    }
    const config = { ...configs.at(-1), queuePollIntervalSeconds: 0.1 }
    const { rest } = await createServer({ agents, config })
    for (const id of ids) {
      expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.succeeded')
    }
  })
})
