// Hints over Redis' publish/subscribe, with the events they tell of: readers are spared a look at the
// database. PostgreSQL has the truth all the same, and Redis may go away and come back at any time.
//
// One channel for all runs. A channel for each run would have to be subscribed to before its backlog is
// read, a round trip more for every viewer who comes; what a process gets of runs nobody follows there
// costs it a line of text that is not parsed.
import type { Redis } from 'ioredis'
import { ConfigError } from '../config/config.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import { createListeners } from '../bus/listeners.ts'
import { createOutbox } from '../bus/outbox.ts'
import { loadRedis } from './connect.ts'
import { decode, encode } from './message.ts'

const CHANNEL = 'agent_runtime'
const HEARTBEAT_MS = 10_000

interface RedisBusOptions {
  redisUrl: string | undefined
  clock: Clock
  log: Logger
  /** Without an answer for so long, a connection is given up and made anew. Default: 10 s. */
  answerTimeoutMs?: number
}

export function createRedisBus(options: RedisBusOptions): EventBus {
  const { redisUrl, clock, log, answerTimeoutMs = 10_000 } = options
  const listeners = createListeners(log)
  const stopping = new AbortController()
  let publisher: Redis | undefined
  let subscriber: Redis | undefined
  let started: Promise<void> | undefined

  async function start(): Promise<void> {
    if (redisUrl === undefined)
      throw new ConfigError('REDIS_URL is not set: EVENT_BUS_BACKEND=redis needs it.')
    const open = await loadRedis(redisUrl, answerTimeoutMs)
    if (stopping.signal.aborted) return
    publisher = open('publish')
    subscriber = open('listen')
    reportBreaks(publisher)
    reportBreaks(subscriber)
    await Promise.all([connect(publisher), listen(subscriber)])
    void keepAlive(subscriber)
  }

  /** What Redis is used for can wait: where it is away at start, it is as if it went away later. */
  async function connect(redis: Redis): Promise<void> {
    await redis.connect().catch((error: unknown) => {
      log.debug({ reason: reasonOf(error) }, 'the first connection to Redis failed')
    })
  }

  async function listen(redis: Redis): Promise<void> {
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
    await connect(redis)
    await first.promise
    isFirst = false
  }

  /** Once a break, not once an attempt to get over it. */
  function reportBreaks(redis: Redis): void {
    let reason: string | undefined
    let isBroken = false
    redis.on('error', (error) => (reason = reasonOf(error)))
    redis.on('close', () => {
      if (stopping.signal.aborted || isBroken) return
      isBroken = true
      log.warn({ reason }, 'Redis is not there; polling goes on meanwhile')
    })
    redis.on('ready', () => {
      if (isBroken) log.info({}, 'Redis is back')
      isBroken = false
    })
  }

  /** Nothing to hear and nobody there look the same, until something has to be answered. */
  async function keepAlive(redis: Redis): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(HEARTBEAT_MS, stopping.signal)
      if (stopping.signal.aborted) return
      await redis
        .ping()
        .catch((error: unknown) => log.debug({ reason: reasonOf(error) }, 'Redis did not answer'))
    }
  }

  function receive(message: string): void {
    const hints = decode(message)
    // Somebody else's message, or a newer version's: the poll covers what it may have meant.
    if (hints === undefined)
      return log.debug({ message: message.slice(0, 200) }, 'ignored a message that is not ours')
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
    publish: (hints) => outbox.publish(hints),
    subscribe: (listener) => listeners.add(listener),
    async stop() {
      await outbox.stop()
      stopping.abort()
      // First, or a start that still waits for Redis would be waited for.
      await Promise.all([close(publisher), close(subscriber)])
      // One that fails has told whoever asked for it.
      await started?.catch(() => {})
    },
  }

  function failed(error: unknown): never {
    started = undefined
    throw error
  }
}

async function close(redis: Redis | undefined): Promise<void> {
  if (redis === undefined) return
  // In between two attempts there is nothing whose end could be waited for.
  const isOpen = redis.status === 'connecting' || redis.status === 'connect' || redis.status === 'ready'
  const ended = new Promise<void>((resolve) => redis.once('end', () => resolve()))
  redis.disconnect()
  if (isOpen) await ended
}

/** Its words alone: the library's errors hold the command that failed, which may be the one with the password. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
