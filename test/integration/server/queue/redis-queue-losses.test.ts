import { describe, expect, vi } from 'vitest'
import { readInstallation } from '../../../../server/postgres/deliveries/installation.ts'
import { createRedisQueue } from '../../../../server/redis/queue/queue.ts'
import { createWorkspace, runCli } from '../../../support/cli.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { createTestPool } from '../../../support/pool.ts'
import { startTestRedis, withoutRedis } from '../../../support/redis.ts'
import { test } from '../../../support/runtime.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'
import { PATIENCE_MS } from './conformance.ts'
import { echo, inRedis, prefixIn, jobsIn } from './redis-queue-scene.ts'

describe.skipIf(withoutRedis)(`in Redis${withoutRedis ? `: skipped, ${withoutRedis}` : ''}`, () => {
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

  test('repeats runs that were executed after the time to which the database was restored', async ({
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
  })

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

  test('is given by others what a server left that died before it could', async ({ createServer }) => {
    await using redis = await startTestRedis()
    await using away = await startTestRedis()
    await away.kill()
    // As if it died between commit and delivery: it never reaches its Redis.
    const dying = await createServer({ agents: [echo], config: inRedis(away), worker: false })
    const runId = await dying.rest.create('echo')
    await dying.runtime.stop()
    const { rest } = await createServer({ agents: [echo], config: inRedis(redis) })
    expect((await rest.events(`runs/${runId}/events`)).at(-1)?.type).toBe('run.succeeded')
  })

  test('delivers again what a dead process had taken', async ({ createServer, database }) => {
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
  })

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
    await vi.waitFor(async () => expect(await inOutbox()).toEqual([]))
    // An entry that nobody has compared with the last epoch stays.
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
})
