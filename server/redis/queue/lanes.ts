// BullMQ's objects for each of the queues, over one connection.
import type { Queue, QueueOptions, Worker, WorkerOptions, createRedisBackend } from 'bullmq'
import type { Logger } from '../../ports/logger.ts'
import type { RedisClient } from '../connect.ts'
import { RedisAwayError } from '../connect.ts'
import { reasonOf } from '../reason-of.ts'
import type { QueueKeys } from './inspect.ts'
import type { Payload } from './payload.ts'

/** How long a taken job stays locked. The process that took it finishes within a second, unless it died. */
const LOCK_MS = 10_000
const STALLED_INTERVAL_MS = 5_000
/** A job is delivered again until its run is claimed. The run counts its attempts itself. */
const MAX_DELIVERIES = 1_000_000

/** Otherwise a BullMQ object first asks for Redis' version. If that fails, all its later calls fail too. */
const ASKS_NOTHING = { skipVersionCheck: true }

/** The parts of the package that are used. */
export interface BullMq {
  Queue: typeof Queue
  Worker: typeof Worker
  createRedisBackend: typeof createRedisBackend
}

interface Lane {
  queue: Queue<Payload>
  /** Created when jobs are first taken. */
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

  /** @throws RedisAwayError at once, while BullMQ would wait for Redis to return */
  get redis(): RedisClient {
    const isThere =
      this.#redis.status === 'ready' || (this.#redis.isCluster && this.#redis.status === 'connect')
    if (!isThere) throw new RedisAwayError('Redis cannot be reached.')
    return this.#redis
  }

  /** In a cluster all keys of a queue must be on one node, which the text in braces determines. */
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
   * Makes the jobs of dead processes available again. BullMQ's workers do this with a timer for each queue. With
   * hundreds of queues that would be most of Redis' work, so it is done rarely, and only for queues with taken jobs.
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

  /** Uses the existing connection: otherwise each of BullMQ's workers would open another one for blocking calls. */
  readonly #createBackend: typeof createRedisBackend = (name, options) =>
    this.#bullmq.createRedisBackend(name, options, {})

  #reportErrors(emitter: { on(event: 'error', listener: (error: Error) => void): unknown }): void {
    emitter.on('error', (error) => this.#log.debug({ reason: reasonOf(error) }, 'BullMQ reported an error'))
  }
}
