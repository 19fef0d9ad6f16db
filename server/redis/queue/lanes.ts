// BullMQ's objects for each of the queues, over one connection.
import type { Queue, QueueOptions, Worker, WorkerOptions, createRedisBackend } from 'bullmq'
import type { Logger } from '../../ports/logger.ts'
import type { RedisClient } from '../connect.ts'
import { RedisAwayError } from '../connect.ts'
import { reasonOf } from '../reason-of.ts'
import type { QueueKeys } from './inspect.ts'
import type { Payload } from './payload.ts'

/** How long a taken job stays locked. The process that took it answers within a second, unless it died. */
const LOCK_MS = 10_000
const STALLED_INTERVAL_MS = 5_000
/** Jobs come again until their run is claimed. The run counts its attempts itself. */
const MAX_DELIVERIES = 1_000_000

/** A BullMQ object asks for Redis' version first. If that fails, everything that it does later fails too. */
const ASKS_NOTHING = { skipVersionCheck: true }

/** The part of the package that is used. */
export interface BullMq {
  Queue: typeof Queue
  Worker: typeof Worker
  createRedisBackend: typeof createRedisBackend
}

interface Lane {
  queue: Queue<Payload>
  /** Made when something is taken. */
  worker?: Worker<Payload>
}

export class Lanes {
  readonly #bullmq: BullMq
  readonly #redis: RedisClient
  readonly #namespace: string
  readonly #log: Logger
  readonly #lanes = new Map<string, Lane>()

  constructor(
    bullmq: BullMq,
    { redis, namespace, log }: { redis: RedisClient; namespace: string; log: Logger },
  ) {
    this.#bullmq = bullmq
    this.#redis = redis
    this.#namespace = namespace
    this.#log = log
  }

  /** @throws RedisAwayError at once, where BullMQ would wait for Redis to be back. */
  get redis(): RedisClient {
    const isThere =
      this.#redis.status === 'ready' || (this.#redis.isCluster && this.#redis.status === 'connect')
    if (!isThere) throw new RedisAwayError('Redis is not there.')
    return this.#redis
  }

  /** In a cluster all keys of a queue have to be on one node: what is in braces decides on which. */
  prefixOf(name: string): string {
    return `{agent_runtime:${this.#namespace}:${name}}`
  }

  queueOf(name: string): Queue<Payload> {
    return this.#laneOf(name).queue
  }

  workerOf(name: string): Worker<Payload> {
    const lane = this.#laneOf(name)
    return (lane.worker ??= this.#createWorker(name))
  }

  keysOf(name: string): QueueKeys {
    const { wait = '', prioritized = '', active = '' } = this.queueOf(name).keys
    return { epoch: `${this.prefixOf(name)}:epoch`, wait, prioritized, active }
  }

  /**
   * Gives out again jobs of processes that died. BullMQ's workers do this by a timer for each queue. With hundreds of
   * queues that would be most of Redis' work, so it is done only where jobs were taken, and not too often.
   */
  async giveOutStalled(name: string): Promise<void> {
    await this.workerOf(name).getBackend().moveStalledJobsToWait()
  }

  async close(): Promise<void> {
    const open = [...this.#lanes.values()].map(async ({ queue, worker }) => {
      await worker?.close(true)
      await queue.close()
    })
    this.#lanes.clear()
    await Promise.allSettled(open)
  }

  #laneOf(name: string): Lane {
    const { redis } = this
    const known = this.#lanes.get(name)
    if (known !== undefined) return known
    const options: QueueOptions = {
      connection: redis,
      prefix: this.prefixOf(name),
      // Nobody reads BullMQ's events.
      streams: { events: { maxLen: 0 } },
      ...ASKS_NOTHING,
    }
    const lane: Lane = { queue: new this.#bullmq.Queue(name, options, this.#createBackend) }
    this.#reportErrors(lane.queue)
    this.#lanes.set(name, lane)
    return lane
  }

  #createWorker(name: string): Worker<Payload> {
    const options: WorkerOptions = {
      connection: this.#redis,
      prefix: this.prefixOf(name),
      autorun: false,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_INTERVAL_MS,
      maxStalledCount: MAX_DELIVERIES,
      ...ASKS_NOTHING,
    }
    const worker: Worker<Payload> = new this.#bullmq.Worker(name, null, options, this.#createBackend)
    this.#reportErrors(worker)
    return worker
  }

  /** Over the connection there is: BullMQ's workers would open another one each, to block on. */
  readonly #createBackend: typeof createRedisBackend = (name, options) =>
    this.#bullmq.createRedisBackend(name, options, {})

  #reportErrors(emitter: { on(event: 'error', listener: (error: Error) => void): unknown }): void {
    emitter.on('error', (error) => this.#log.debug({ reason: reasonOf(error) }, 'BullMQ reported an error'))
  }
}
