import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { createRedisBus } from '../../../../server/redis/bus/bus.ts'
import { systemClock } from '../../../../server/ports/system-clock.ts'
import type { AnyRunEvent } from '../../../../server/contract/event.ts'
import { ConfigError, createAgentRuntime, defineAgent } from '../../../../server/index.ts'
import { startTestRedis, withoutRedis } from '../../../support/redis.ts'
import { test } from '../../../support/runtime.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

/** Says the next number each time the test asks for one, from 0. */
function createCounter() {
  let asked = Promise.withResolvers<boolean>()
  const agent = defineAgent({
    key: 'counter',
    events: { number: { schema: z.number() } },
    async run(ctx) {
      for (let number = 0; await asked.promise; number += 1) {
        asked = Promise.withResolvers()
        await ctx.emit('number', number)
      }
    },
  })
  return { agent, next: () => asked.resolve(true), end: () => asked.resolve(false) }
}

/** Long enough to tell a poll from a hint, and short enough to wait for. */
const POLL_SECONDS = 1

describe.skipIf(withoutRedis)(
  `API and worker apart, over Redis${withoutRedis ? `: skipped, ${withoutRedis}` : ''}`,
  () => {
    test('a stream goes on while Redis is away, and is quick again when it is back', async ({
      createServer,
    }) => {
      await using redis = await startTestRedis()
      const config = {
        eventBusBackend: 'redis' as const,
        redisUrl: redis.url,
        queuePollIntervalSeconds: POLL_SECONDS,
        streamPollIntervalSeconds: POLL_SECONDS,
      }
      const { agent, next, end } = createCounter()
      const api = await createServer({ agents: [agent], config, worker: false })
      const worker = await createServer({ agents: [agent], config })
      const id = await api.rest.create('counter')
      const stream = await api.rest.stream(`runs/${id}/events`)
      await stream.until('run.started')
      let expected = 0
      const step = async () => {
        const begin = performance.now()
        next()
        expect(await stream.next()).toMatchObject({ payload: expected })
        expected += 1
        return performance.now() - begin
      }
      const steps = async (count: number) => {
        const latencies: number[] = []
        for (let i = 0; i < count; i += 1) latencies.push(await step())
        return latencies.toSorted((a, b) => a - b)[Math.floor(count / 2)]
      }

      await step()
      expect(await steps(20)).toBeLessThan((POLL_SECONDS * 1000) / 4)

      await redis.kill()
      await steps(3)
      expect(await api.rest.get('/readyz')).toMatchObject({
        status: 200,
        body: { database: 'ok', bus: 'polling', queue: 'ok' },
      })
      const whileAway = await api.rest.create('counter')
      expect((await api.rest.post(`runs/${whileAway}/cancel`)).status).toBe(200)

      await redis.start()
      const isBack = ({ message }: { message: string }) => message === 'Redis is back'
      for (const { log } of [api, worker]) {
        // Each process has one connection that listens and one that publishes.
        await vi.waitFor(() => expect(log.filter(isBack)).toHaveLength(2))
      }
      await step()
      expect(await steps(20)).toBeLessThan((POLL_SECONDS * 1000) / 4)

      end()
      expect(await stream.next()).toMatchObject({ type: 'run.succeeded' })
      const all = await api.rest.events(`runs/${id}/events`)
      const numbers = all.filter(({ type }) => type === 'number')
      expect(numbers.map(({ payload }) => payload)).toEqual(Array.from({ length: expected }, (_, n) => n))
    })

    test('hints carry the stored events, each once', async ({ createServer, database }) => {
      await using redis = await startTestRedis()
      const bus = createRedisBus({ redisUrl: redis.url, clock: systemClock, log: createSilentLogger() })
      const carried: AnyRunEvent[] = []
      bus.subscribe({
        onHint: (hint) => hint.kind === 'events' && carried.push(...(hint.events ?? [])),
        onResync() {},
      })
      await bus.start()
      const config = { eventBusBackend: 'redis' as const, redisUrl: redis.url }
      const odd = { text: 'a\u2028"\\\n', nested: [null, true, 1e21, { z: 1, a: 'é' }] }
      const agent = defineAgent({
        key: 'odd',
        events: { odd: { schema: z.unknown() } },
        async run(ctx) {
          for (let i = 0; i < 50; i += 1) {
            await ctx.emit('odd', odd)
            await ctx.emitMessage(`${i}`)
            if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
          }
          return { output: odd }
        },
      })
      const { rest } = await createServer({ agents: [agent], config })
      const id = await rest.create('odd')
      await rest.events(`runs/${id}/events`)
      // The claim writes the first event, and sends no payload.
      const stored = await database.sql<{ ts: Date }>(
        `SELECT run_id AS "runId", seq, attempt, type, visibility, payload, ts
         FROM agent_runtime.event WHERE seq > 1 ORDER BY seq`,
      )
      const expected = stored.map(({ ts, ...event }) => ({ ...event, ts: ts.toISOString() }))
      await vi.waitFor(() => expect(carried).toEqual(expected))
      await bus.stop()
    })

    test('cancelling reaches the worker at once', async ({ createServer }) => {
      await using redis = await startTestRedis()
      const config = { eventBusBackend: 'redis' as const, redisUrl: redis.url }
      const { agent } = createCounter()
      const api = await createServer({ agents: [agent], config, worker: false })
      await createServer({ agents: [agent], config })
      const id = await api.rest.create('counter')
      const stream = await api.rest.stream(`runs/${id}/events?include_all=1`)
      expect(await stream.next()).toMatchObject({ type: 'run.started' })
      await api.rest.post(`runs/${id}/cancel`)
      expect(await stream.next()).toMatchObject({ type: 'run.cancelled' })
    })
  },
)

test('with no bus at all, processes find what others did by looking', async ({ createServer }) => {
  const config = {
    eventBusBackend: 'none' as const,
    queuePollIntervalSeconds: 0.1,
    streamPollIntervalSeconds: 0.1,
  }
  const { agent, next, end } = createCounter()
  const api = await createServer({ agents: [agent], config, worker: false })
  await createServer({ agents: [agent], config })
  const id = await api.rest.create('counter')
  const stream = await api.rest.stream(`runs/${id}/events`)
  await stream.until('run.started')
  for (const payload of [0, 1, 2]) {
    next()
    expect(await stream.next()).toMatchObject({ payload })
  }
  end()
  expect(await stream.next()).toMatchObject({ type: 'run.succeeded' })
})

test('with no bus at all, hints still reach everybody in the same process', async ({ createServer }) => {
  const { agent, next, end } = createCounter()
  const { rest } = await createServer({ agents: [agent], config: { eventBusBackend: 'none' } })
  const id = await rest.create('counter')
  const stream = await rest.stream(`runs/${id}/events`)
  await stream.until('run.started')
  next()
  expect(await stream.next()).toMatchObject({ payload: 0 })
  end()
  expect(await stream.next()).toMatchObject({ type: 'run.succeeded' })
})

test('the Redis bus without its URL does not start', async ({ database }) => {
  vi.stubEnv('REDIS_URL', undefined)
  const config = { databaseUrl: database.url, eventBusBackend: 'redis' as const }
  const runtime = createAgentRuntime({ agents: [], config })
  vi.unstubAllEnvs()
  const error: unknown = await runtime.start().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigError)
  expect((error as ConfigError).message).toMatch(/REDIS_URL is not set/)
  await runtime.stop()
})
