import { describe, expect, vi } from 'vitest'
import { startTestRedis, withoutRedis } from '../../../support/redis.ts'
import { test } from '../../../support/runtime.ts'
import { PATIENCE_MS } from './conformance.ts'
import { echo, inRedis } from './redis-queue-scene.ts'

describe.skipIf(withoutRedis)(`in Redis${withoutRedis ? `: skipped, ${withoutRedis}` : ''}`, () => {
  test('that is not there at start, or hangs, keeps nobody from creating a run', async ({ createServer }) => {
    await using redis = await startTestRedis()
    await redis.kill()
    const { rest, log } = await createServer({ agents: [echo], config: inRedis(redis) })
    const since = performance.now()
    const runId = await rest.create('echo')
    expect(performance.now() - since).toBeLessThan(9_000)
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
    // Far below ten seconds, after which a connection without answers is closed, also on a busy machine.
    expect(performance.now() - since).toBeLessThan(9_000)
    await runtime.startWorker()
    const complaints = (level: string) =>
      log.filter((entry) => entry.level === level && entry.message.startsWith('taking runs'))
    await vi.waitFor(() => expect(complaints('debug').length).toBeGreaterThan(1), PATIENCE_MS)
    expect(complaints('warn')).toHaveLength(1)
    redis.signal('SIGCONT')
    expect((await rest.events(`runs/${runId}/events`)).at(-1)?.type).toBe('run.succeeded')
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
})
