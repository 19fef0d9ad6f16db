import { createRedisBackend, Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Settings } from '../../../../server/index.ts'
import { readInstallation } from '../../../../server/postgres/deliveries/installation.ts'
import { createRedisQueue } from '../../../../server/redis/queue/queue.ts'
import { createWorkspace, runCli } from '../../../support/cli.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { createTestPool } from '../../../support/pool.ts'
import { startRedisCluster, startTestRedis, withoutRedis } from '../../../support/redis.ts'
import type { TestRedis } from '../../../support/redis.ts'
import { test } from '../../../support/runtime.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'
import { PATIENCE_MS, testQueue } from './conformance.ts'

const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })

const inRedis = ({ url }: { url: string }): Settings => ({ queueBackend: 'redis', redisUrl: url })

/** The prefix of the keys of an agent's queue in a Redis of one installation. */
function prefixIn(redis: TestRedis, agentKey: string): string {
  const [key = ''] = redis.cli('KEYS', `*:${agentKey}}:epoch`).split('\n')
  return key.slice(0, -':epoch'.length)
}

const jobsIn = (redis: TestRedis, agentKey: string): string[] =>
  redis
    .cli('KEYS', `${prefixIn(redis, agentKey)}:${agentKey}:????????-*`)
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith(':lock'))

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

  test('keeps nothing in the database of what it has, and nothing itself of what was executed', async ({
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

  test('that somebody empties loses no run', async ({ createServer, database }) => {
    await using redis = await startTestRedis()
    const { rest, runtime, log } = await createServer({
      agents: [echo],
      config: inRedis(redis),
      worker: false,
    })
    const ids = await Promise.all(Array.from({ length: 20 }, () => rest.create('echo')))
    await vi.waitFor(async () => {
      expect(await database.sql('SELECT FROM agent_runtime.outbox')).toEqual([])
    }, PATIENCE_MS)
    redis.cli('FLUSHALL')
    await runtime.startWorker()
    await Promise.all(ids.map((id) => rest.events(`runs/${id}/events`)))
    expect(log).toContainEqual({
      level: 'warn',
      fields: { queues: expect.arrayContaining(['echo']), runs: 20 },
      message: 'a queue may have lost its deliveries: its runs are delivered again',
    })
  })

  test.for([
    ['the list of deliveries', 'prioritized'],
    ['one delivery', 'job'],
  ] as const)(
    'that loses a part of what it has, %s, loses no run',
    { timeout: 60_000 },
    async ([, part], { createServer, database }) => {
      await using redis = await startTestRedis()
      const { rest, runtime } = await createServer({
        agents: [echo],
        config: inRedis(redis),
        worker: false,
      })
      const ids = await Promise.all(Array.from({ length: 5 }, () => rest.create('echo')))
      await vi.waitFor(async () => {
        expect(await database.sql('SELECT FROM agent_runtime.outbox')).toEqual([])
      }, PATIENCE_MS)
      const key = part === 'job' ? jobsIn(redis, 'echo')[0]! : `${prefixIn(redis, 'echo')}:echo:${part}`
      expect(redis.cli('DEL', key)).toBe('1\n')
      await runtime.startWorker()
      for (const id of ids) {
        expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.succeeded')
      }
    },
  )

  test('is filled anew when the doctor is asked to put things right', async ({ createServer, database }) => {
    await using redis = await startTestRedis()
    const { rest, log } = await createServer({ agents: [echo], config: inRedis(redis), worker: false })
    const runId = await rest.create('echo')
    await vi.waitFor(async () => {
      expect(await database.sql('SELECT FROM agent_runtime.outbox')).toEqual([])
    }, PATIENCE_MS)
    const [before] = jobsIn(redis, 'echo')
    await using folder = await createWorkspace()
    const env = { DATABASE_URL: database.url }
    await using doctor = runCli(['doctor', '--fix'], { cwd: folder.path, env })
    await doctor.printed(/deliver all open runs to Redis again/)
    await vi.waitFor(() => expect(jobsIn(redis, 'echo')).toHaveLength(2), PATIENCE_MS)
    const other = jobsIn(redis, 'echo').find((job) => job !== before)
    expect(other).toContain(runId)
    expect(log.filter(({ level }) => level === 'warn')).toEqual([
      expect.objectContaining({
        fields: { queues: expect.arrayContaining(['echo']), runs: 1 },
        message: 'a queue may have lost its deliveries: its runs are delivered again',
      }),
    ])
  })

  test('executes again what was executed after the time to which its database was set back', async ({
    createServer,
    database,
  }) => {
    await using redis = await startTestRedis()
    const { rest } = await createServer({ agents: [echo], config: inRedis(redis) })
    const runId = await rest.create('echo')
    await rest.events(`runs/${runId}/events`)
    await database.sql('ALTER TABLE agent_runtime.run DISABLE TRIGGER USER')
    await database.sql('DELETE FROM agent_runtime.event')
    await database.sql(
      `UPDATE agent_runtime.run SET status = 'queued', last_seq = 0, attempt = 0, output = NULL,
         started_at = NULL, attempt_started_at = NULL, finished_at = NULL, lease_owner = NULL, lease_expires_at = NULL`,
    )
    await vi.waitFor(async () => {
      expect((await rest.get(`runs/${runId}`)).body['status']).toBe('succeeded')
    }, PATIENCE_MS)
  }, 60_000)

  test('that dies and comes back empty loses no run', async ({ createServer, database }) => {
    await using redis = await startTestRedis()
    const { rest, runtime } = await createServer({ agents: [echo], config: inRedis(redis), worker: false })
    const before = await rest.create('echo')
    await vi.waitFor(async () => {
      expect(await database.sql('SELECT FROM agent_runtime.outbox')).toEqual([])
    }, PATIENCE_MS)
    await redis.kill()
    const meanwhile = await rest.create('echo')
    await runtime.startWorker()
    await redis.start()
    for (const id of [before, meanwhile]) {
      expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.succeeded')
    }
  })

  test('that is not there at start, or hangs, keeps nobody from creating a run', async ({ createServer }) => {
    await using redis = await startTestRedis()
    await redis.kill()
    const { rest, log } = await createServer({ agents: [echo], config: inRedis(redis) })
    const since = performance.now()
    const runId = await rest.create('echo')
    expect(performance.now() - since).toBeLessThan(2_000)
    expect(log.filter(({ level }) => level === 'warn').map(({ message }) => message)).toContain(
      'Redis is away; runs wait in the database meanwhile',
    )
    await redis.start()
    expect((await rest.events(`runs/${runId}/events`)).at(-1)?.type).toBe('run.succeeded')
  })

  test('that stands still keeps nobody from starting, and is complained of once', async ({
    createServer,
  }) => {
    await using redis = await startTestRedis()
    redis.signal('SIGSTOP')
    const { rest, runtime, log } = await createServer({
      agents: [echo],
      config: inRedis(redis),
      worker: false,
    })
    const since = performance.now()
    const runId = await rest.create('echo')
    // Far below the ten seconds after which a connection without answers is given up, on a busy machine too.
    expect(performance.now() - since).toBeLessThan(9_000)
    await runtime.startWorker()
    const complaints = (level: string) =>
      log.filter((entry) => entry.level === level && entry.message.startsWith('taking runs'))
    await vi.waitFor(() => expect(complaints('debug').length).toBeGreaterThan(1), PATIENCE_MS)
    expect(complaints('warn')).toHaveLength(1)
    redis.signal('SIGCONT')
    expect((await rest.events(`runs/${runId}/events`)).at(-1)?.type).toBe('run.succeeded')
  })

  test('is given by others what a server left that died before it could', async ({ createServer }) => {
    await using redis = await startTestRedis()
    await using away = await startTestRedis()
    await away.kill()
    // As if it died between the commit and the delivery: it never reaches its Redis.
    const dying = await createServer({ agents: [echo], config: inRedis(away), worker: false })
    const runId = await dying.rest.create('echo')
    await dying.runtime.stop()
    const { rest } = await createServer({ agents: [echo], config: inRedis(redis) })
    expect((await rest.events(`runs/${runId}/events`)).at(-1)?.type).toBe('run.succeeded')
  })

  test('gives out again what somebody took who died', async ({ createServer, database }) => {
    await using redis = await startTestRedis()
    const config = { ...inRedis(redis), queuePollIntervalSeconds: 0.1 }
    const { rest, runtime } = await createServer({ agents: [echo], config, worker: false })
    const runId = await rest.create('echo')
    const pool = createTestPool(database.url)
    const dying = createRedisQueue({
      redisUrl: redis.url,
      isCluster: false,
      namespace: () => readInstallation(pool),
      log: createSilentLogger(),
    })
    await dying.start(['echo'])
    await vi.waitFor(async () => expect((await dying.take('echo', 5)).runIds).toEqual([runId]), PATIENCE_MS)
    await dying.stop()
    await pool.end()
    await runtime.startWorker()
    const stream = await rest.stream(`runs/${runId}/events`)
    await vi.waitFor(async () => expect((await stream.next())?.type).toBe('run.succeeded'), PATIENCE_MS)
    await stream.close()
  }, 30_000)

  test('does not confirm what it lost between the delivery and the question', async ({
    createServer,
    database,
  }) => {
    await using redis = await startTestRedis()
    const held = createHeldAgent({ key: 'echo' })
    const { rest, runtime } = await createServer({
      agents: [held.agent],
      config: inRedis(redis),
      worker: false,
    })
    await rest.create('echo')
    const inOutbox = () => database.sql<{ run_id: string }>('SELECT run_id FROM agent_runtime.outbox')
    await vi.waitFor(async () => expect(await inOutbox()).toEqual([]), 5_000)
    // What nobody has compared with the last epoch stays.
    await database.sql(`UPDATE agent_runtime.queue_epoch SET epoch = 'of before'`)
    const lost = await rest.create('echo')
    redis.cli('FLUSHALL')
    await runtime.startWorker()
    held.release()
    expect((await rest.events(`runs/${lost}/events`)).at(-1)?.type).toBe('run.succeeded')
  })

  test('gives out again what it gave out before its time, when the clock of the database was put back', async ({
    createServer,
    database,
  }) => {
    await using redis = await startTestRedis()
    const config = { ...inRedis(redis), queuePollIntervalSeconds: 0.1 }
    const { rest, log } = await createServer({ agents: [echo], config })
    const runAt = new Date(Date.now() + 4_000).toISOString()
    const runId = await rest.create('echo', { run_at: runAt })
    await database.sql('UPDATE agent_runtime.outbox SET send_at = now()')
    await vi.waitFor(() => {
      expect(log.map(({ message }) => message)).toContain('deliveries without a run to claim')
    }, PATIENCE_MS)
    const [started] = await rest.events(`runs/${runId}/events?include_all=1`)
    expect(Date.parse(String(started?.['ts']))).toBeGreaterThanOrEqual(Date.parse(runAt) - 2)
  })

  test('that refuses what it is asked first is used when it does not any more', async ({ createServer }) => {
    await using redis = await startTestRedis()
    const { rest, runtime, log } = await createServer({
      agents: [echo],
      config: inRedis(redis),
      worker: false,
    })
    await runtime.start()
    redis.cli('ACL', 'SETUSER', 'default', '-info')
    const runId = await rest.create('echo')
    await runtime.startWorker()
    await vi.waitFor(() => {
      expect(log.map(({ message }) => message)).toContain(
        'the queue cannot be reached: runs are delivered when it is back',
      )
    }, PATIENCE_MS)
    redis.cli('ACL', 'SETUSER', 'default', '+info')
    expect((await rest.events(`runs/${runId}/events`)).at(-1)?.type).toBe('run.succeeded')
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
  }, 60_000)

  test('that is away is told by /readyz, while runs are taken', async ({ createServer }) => {
    await using redis = await startTestRedis()
    const { rest } = await createServer({ agents: [echo], config: inRedis(redis) })
    expect(await rest.get('/readyz')).toMatchObject({ status: 200, body: { queue: 'ok' } })
    await redis.kill()
    expect(await rest.get('/readyz')).toMatchObject({ status: 200, body: { queue: 'unreachable' } })
    const runId = await rest.create('echo')
    await redis.start()
    expect((await rest.events(`runs/${runId}/events`)).at(-1)?.type).toBe('run.succeeded')
    await expect
      .poll(async () => (await rest.get('/readyz')).body, { timeout: PATIENCE_MS })
      .toMatchObject({ queue: 'ok' })
  })

  test('is looked at again when another server has taken its place', async ({ createServer }) => {
    await using redis = await startTestRedis()
    const { rest, log } = await createServer({ agents: [echo], config: inRedis(redis) })
    await rest.events(`runs/${await rest.create('echo')}/events`)
    await redis.kill()
    await using primary = await startTestRedis()
    await redis.start({
      'maxmemory-policy': 'volatile-lru',
      replicaof: `127.0.0.1 ${primary.port}`,
    })
    const warnings = () => log.filter(({ level }) => level === 'warn').map(({ message }) => message)
    await vi.waitFor(() => {
      expect(warnings()).toEqual(
        expect.arrayContaining([
          'Redis may throw away parts of the queue: set maxmemory-policy to noeviction',
          'Redis is a replica, which takes no deliveries: let REDIS_URL lead to the primary',
        ]),
      )
    }, PATIENCE_MS)
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
  }, 30_000)

  test('over a cluster: a node that is away keeps only its own queues', async ({ createServer }) => {
    await using cluster = await startRedisCluster({ 'cluster-require-full-coverage': 'no' })
    const agents = Array.from({ length: 12 }, (_, index) =>
      defineAgent({ key: `agent-${index}`, run: async () => ({ output: index }) }),
    )
    const config = { ...inRedis(cluster), redisCluster: true }
    const { rest, log } = await createServer({ agents, config })
    const create = () => Promise.all(agents.map(({ key }) => rest.create(key)))
    for (const id of await create()) await rest.events(`runs/${id}/events`)
    const lost = cluster.nodes[2]!
    const onLost = agents.filter(({ key }) => lost.cli('KEYS', `*:${key}}:epoch`).trim() !== '')
    expect(onLost.length).toBeGreaterThan(0)
    expect(onLost.length).toBeLessThan(agents.length)
    await lost.kill()
    const ids = await create()
    for (const [index, id] of ids.entries())
      if (!onLost.includes(agents[index]!))
        expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.succeeded')
    await vi.waitFor(() => {
      expect(log.map(({ message }) => message)).toContain(
        'some queues cannot be reached: their runs are delivered when they are back',
      )
    }, PATIENCE_MS)
    await lost.start()
    for (const id of ids) expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.succeeded')
  }, 90_000)

  test('over a cluster: queues on whatever node, one of which is emptied', async ({ createServer }) => {
    await using cluster = await startRedisCluster()
    const agents = Array.from({ length: 6 }, (_, index) =>
      defineAgent({ key: `agent-${index}`, run: async () => ({ output: index }) }),
    )
    const config = { ...inRedis(cluster), redisCluster: true, eventBusBackend: 'redis' as const }
    const { rest, runtime } = await createServer({ agents, config, worker: false })
    const ids = await Promise.all(
      agents.flatMap(({ key }) => Array.from({ length: 5 }, () => rest.create(key))),
    )
    const keys = cluster.nodes.map((node) => node.cli('KEYS', '*').split('\n').length - 1)
    await vi.waitFor(() => {
      expect(cluster.nodes.filter((node) => node.cli('DBSIZE') !== '0\n').length).toBeGreaterThan(1)
    }, PATIENCE_MS)
    expect(keys).toHaveLength(3)
    cluster.nodes[1]!.cli('FLUSHALL')
    await runtime.startWorker()
    for (const id of ids) {
      expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.succeeded')
    }
  }, 60_000)
})
