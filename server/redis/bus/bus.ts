// Hints over Redis' publish/subscribe. They carry the new events, so that readers need not ask the database. PostgreSQL
// has the truth, so Redis may go away and come back at any time.
//
// There is one channel for all runs. With a channel for each run, every new viewer would have to wait for a
// subscription. A hint for a run that nobody follows costs a process one line of text, which it does not parse.
import type { Clock } from '../../ports/clock.ts'
import type { EventBus } from '../../ports/event-bus.ts'
import type { Logger } from '../../ports/logger.ts'
import { createListeners } from '../../bus/listeners.ts'
import { createOutbox } from '../../bus/outbox.ts'
import { loadRedis } from '../connect.ts'
import type { RedisClient } from '../connect.ts'
import { close, connect, reportBreaks } from '../connection.ts'
import { decode, encode } from './message.ts'
import { reasonOf } from '../reason-of.ts'

// In a cluster every node forwards messages of this channel.
const CHANNEL = '{agent_runtime}:hints'
const HEARTBEAT_MS = 10_000

interface RedisBusOptions {
  redisUrl: string | undefined
  /** Whether the URL is that of a node of a Redis Cluster. Default: false. */
  isCluster?: boolean
  clock: Clock
  log: Logger
  /** How long a connection may not answer before it is opened again, in milliseconds. Default: 10 s. */
  answerTimeoutMs?: number
}

export function createRedisBus(options: RedisBusOptions): EventBus {
  const { redisUrl, isCluster = false, clock, log, answerTimeoutMs = 10_000 } = options
  const listeners = createListeners(log)
  const stopping = new AbortController()
  let publisher: RedisClient | undefined
  let subscriber: RedisClient | undefined
  let started: Promise<void> | undefined

  async function start(): Promise<void> {
    const address = { url: redisUrl, isCluster, neededFor: 'EVENT_BUS_BACKEND=redis' }
    const open = await loadRedis(address, answerTimeoutMs)
    if (stopping.signal.aborted) return
    publisher = open('publish')
    subscriber = open('listen')
    const watch = { log, stopping: stopping.signal, meanwhile: 'polling goes on meanwhile' }
    reportBreaks(publisher, watch)
    reportBreaks(subscriber, watch)
    await Promise.all([connect(publisher, log), listen(subscriber)])
    void keepAlive(subscriber, { clock, log, signal: stopping.signal })
  }

  async function listen(redis: RedisClient): Promise<void> {
    const first = Promise.withResolvers<void>()
    let isFirst = true
    redis.on('message', (_channel, message) => receive(message))
    redis.on('ready', () => {
      redis.subscribe(CHANNEL).then(
        () => {
          if (!isFirst && !stopping.signal.aborted) listeners.resync()
          first.resolve()
        },
        (error: unknown) => {
          if (stopping.signal.aborted) return
          log.warn({ reason: reasonOf(error) }, 'listening to Redis failed; trying again')
          redis.disconnect(true)
        },
      )
    })
    redis.once('close', () => first.resolve()).once('end', () => first.resolve())
    await connect(redis, log)
    await first.promise
    isFirst = false
  }

  function receive(message: string): void {
    const hints = decode(message)
    // Ignore a message that is foreign or of a newer version. Polling finds the changes that it told of.
    if (hints === undefined)
      return log.debug({ message: message.slice(0, 200) }, 'ignored an unknown message')
    for (const hint of hints) listeners.tell(hint)
  }

  const outbox = createOutbox(clock, async (hints) => {
    try {
      for (const message of encode(hints)) await publisher?.publish(CHANNEL, message)
    } catch (error) {
      log.debug({ reason: reasonOf(error) }, 'hints were not sent; polling covers them')
    }
  })

  return {
    start: () => (started ??= start().catch(failed)),
    get isListening() {
      return subscriber?.status === 'ready'
    },
    publish: (hints) => outbox.publish(hints),
    subscribe: (listener) => listeners.add(listener),
    async stop() {
      await outbox.stop()
      stopping.abort()
      // Close first. Otherwise this would wait for a start that waits for Redis.
      await Promise.all([close(publisher), close(subscriber)])
      // A failed start was reported to its caller.
      await started?.catch(() => {})
    },
  }

  function failed(error: unknown): never {
    started = undefined
    throw error
  }
}

/** A silent connection and a dead one look the same, so a ping asks for an answer. */
async function keepAlive(
  redis: RedisClient,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(HEARTBEAT_MS, signal)
    if (signal.aborted) return
    await redis
      .ping()
      .catch((error: unknown) => log.debug({ reason: reasonOf(error) }, 'Redis did not answer'))
  }
}
