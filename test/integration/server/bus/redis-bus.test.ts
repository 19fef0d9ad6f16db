import { describe, expect, test, vi } from 'vitest'
import { createRedisBus } from '../../../../server/redis/bus/bus.ts'
import { systemClock } from '../../../../server/ports/system-clock.ts'
import type { Hint } from '../../../../server/ports/event-bus.ts'
import { startCuttingProxy } from '../../../support/cutting-proxy.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { startTestRedis, withoutRedis } from '../../../support/redis.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'
import { testEventBus } from './conformance.ts'
import type { Backend } from './conformance.ts'

const createListener = () => {
  let resyncs = 0
  return {
    onHint: vi.fn<(hint: Hint) => void>(),
    onResync: () => void (resyncs += 1),
    resyncs: () => resyncs,
  }
}

async function createBackend(): Promise<Backend> {
  const redis = await startTestRedis()
  return {
    createBus: (log) => createRedisBus({ redisUrl: redis.url, clock: systemClock, log }),
    breakListening: async () => void redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    goAway: () => redis.kill(),
    comeBack: () => redis.start(),
    sendForeign: async (text) => void redis.cli('PUBLISH', '{agent_runtime}:hints', text),
    connections: async () => redis.cli('CLIENT', 'LIST').split('name=agent-runtime').length - 1,
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  }
}

describe.skipIf(withoutRedis)(`over Redis${withoutRedis ? `: skipped, ${withoutRedis}` : ''}`, () => {
  testEventBus(createBackend, { carriesEvents: true })

  test('a Redis that is not there at start is waited for, and polling does meanwhile', async () => {
    await using redis = await startTestRedis()
    await redis.kill()
    const log = createSilentLogger()
    const bus = createRedisBus({ redisUrl: redis.url, clock: systemClock, log })
    const listener = createListener()
    bus.subscribe(listener)
    await bus.start()
    bus.publish([{ kind: 'cancel', runId: 'lost' }])
    expect(log.entries.filter(({ level }) => level === 'warn').map(({ message }) => message)).toContain(
      'Redis is away; polling goes on meanwhile',
    )
    await redis.start()
    await vi.waitFor(() => expect(listener.resyncs()).toBe(1))
    await vi.waitFor(() => {
      bus.publish([{ kind: 'cancel', runId: 'heard' }])
      expect(listener.onHint).toHaveBeenCalledWith({ kind: 'cancel', runId: 'heard' })
    })
    await bus.stop()
  })

  test('a network that swallows everything is noticed, and another connection made', async () => {
    await using redis = await startTestRedis()
    await using proxy = await startCuttingProxy(redis.port)
    const clock = new ManualClock()
    const redisUrl = proxy.url.replace('http', 'redis')
    const bus = createRedisBus({ redisUrl, clock, log: createSilentLogger(), answerTimeoutMs: 200 })
    const listener = createListener()
    bus.subscribe(listener)
    await bus.start()
    proxy.stall()
    await vi.waitFor(() => {
      clock.advance(10_000)
      expect(listener.resyncs()).toBe(1)
    })
    await bus.stop()
  })

  test('a Redis that was away for long is used again at once when it is back', async () => {
    await using redis = await startTestRedis()
    await using proxy = await startCuttingProxy(redis.port)
    const createBus = (url: string) =>
      createRedisBus({ redisUrl: url, clock: systemClock, log: createSilentLogger() })
    const [cutOff, witness] = [createBus(proxy.url.replace('http', 'redis')), createBus(redis.url)]
    const listener = createListener()
    witness.subscribe(listener)
    await Promise.all([cutOff.start(), witness.start()])
    const before = proxy.connections
    proxy.refuse(true)
    proxy.cut()
    // Eight attempts of each of its two connections. By then, doubling delays are seconds long.
    await vi.waitFor(() => expect(proxy.connections).toBeGreaterThan(before + 16))
    proxy.refuse(false)
    const since = performance.now()
    await vi.waitFor(() => {
      cutOff.publish([{ kind: 'cancel', runId: 'heard' }])
      expect(listener.onHint).toHaveBeenCalled()
    })
    expect(performance.now() - since).toBeLessThan(1_000)
    await Promise.all([cutOff.stop(), witness.stop()])
  })

  test('stopping does not wait for a start that waits for Redis', async () => {
    await using redis = await startTestRedis()
    await using proxy = await startCuttingProxy(redis.port)
    const redisUrl = proxy.url.replace('http', 'redis')
    const bus = createRedisBus({ redisUrl, clock: systemClock, log: createSilentLogger() })
    const started = bus.start()
    await vi.waitFor(() => {
      expect(proxy.connections).toBe(2)
      proxy.stall()
    })
    await bus.stop()
    await started
  })

  test('a password is not in the log', async () => {
    await using redis = await startTestRedis()
    redis.cli('CONFIG', 'SET', 'requirepass', 'open sesame')
    const log = createSilentLogger()
    const redisUrl = redis.url.replace('//', '//:hunter2@')
    const bus = createRedisBus({ redisUrl, clock: systemClock, log })
    await bus.start()
    await bus.stop()
    expect(JSON.stringify(log.entries)).toContain('WRONGPASS')
    expect(JSON.stringify(log.entries)).not.toContain('hunter2')
  })
})
