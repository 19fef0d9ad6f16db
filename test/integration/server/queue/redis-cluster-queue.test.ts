import { describe, expect, vi } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { startRedisCluster, withoutRedis } from '../../../support/redis.ts'
import { test } from '../../../support/runtime.ts'
import { PATIENCE_MS } from './conformance.ts'
import { inRedis } from './redis-queue-scene.ts'

describe.skipIf(withoutRedis)(`in Redis${withoutRedis ? `: skipped, ${withoutRedis}` : ''}`, () => {
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
  })
})
