// The queue on BullMQ, with a BullMQ queue for each agent. A worker takes jobs, lets the store claim their runs, and
// then completes the jobs. If a process dies in between, BullMQ gives its jobs to another (it calls them stalled).
// Redis holds only deliveries that are due, and may lose them.
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Logger } from '../../ports/logger.ts'
import type { RemoteQueue, SentRun } from '../../ports/queue.ts'
import { loadRedis, RedisAwayError } from '../connect.ts'
import type { RedisClient } from '../connect.ts'
import { close, connect, reportBreaks } from '../connection.ts'
import { notEmpty } from '../../ports/optional-peer.ts'
import { libraryMissing } from '../library-missing.ts'
import { checkServers } from './check-server.ts'
import { inspect, keyOf, renewEpoch } from './inspect.ts'
import type { InspectedQueue } from './inspect.ts'
import { Lanes } from './lanes.ts'
import type { BullMq } from './lanes.ts'
import { takeJobs } from './take-jobs.ts'

const NEEDED_FOR = 'QUEUE_BACKEND=redis'

/**
 * How long a start waits for a Redis that does not answer. If Redis answers in this time, the first runs need not wait
 * for a poll.
 */
const START_PATIENCE_MS = 1_000
/** BullMQ knows priorities from 1 to 2,097,152, the lowest first; those of runs go from -100 to 100. */
const toJobPriority = (priority: number): number => 1_000 - priority

interface RedisQueueOptions {
  redisUrl: string | undefined
  isCluster: boolean
  /** The prefix of this installation's keys, since several installations may share a Redis. */
  namespace(): Promise<string>
  log: Logger
  /** How long a connection may not answer before it is opened again, in milliseconds. Default: 10 s. */
  answerTimeoutMs?: number
}

export function createRedisQueue(options: RedisQueueOptions): RemoteQueue {
  const { redisUrl: url, isCluster, log, answerTimeoutMs = 10_000 } = options
  const stopping = new AbortController()
  const token = randomUUID()
  let redis: RedisClient | undefined
  let opened: Lanes | undefined
  let started: Promise<void> | undefined

  async function start(): Promise<void> {
    const bullmq = await importBullMq()
    const open = await loadRedis({ url, isCluster, neededFor: NEEDED_FOR }, answerTimeoutMs)
    if (stopping.signal.aborted) return
    const client = open('queue')
    redis = client
    reportBreaks(client, { log, stopping: stopping.signal, meanwhile: 'runs wait in the database meanwhile' })
    opened = new Lanes(bullmq, { redis: client, namespace: await options.namespace(), log })
    checkServers(client, log)
    const connected = connect(client, log)
    await Promise.race([connected, setTimeout(START_PATIENCE_MS, undefined, { ref: false })])
  }

  /** @throws RedisAwayError before it has started, and after it was stopped. */
  function lanes(): Lanes {
    if (opened === undefined || stopping.signal.aborted) throw new RedisAwayError('The queue is not open.')
    return opened
  }

  async function inspectQueues(names: readonly string[]): Promise<Map<string, InspectedQueue>> {
    const open = lanes()
    return inspect(open.redis, new Map(names.map((name) => [name, open.keysOf(name)])))
  }

  return {
    start: () => (started ??= start().catch(failed)),

    async deliver(runs) {
      const groups = [...Map.groupBy(runs, (run) => run.agentKey)]
      const results = await Promise.allSettled(
        groups.map(async ([agentKey, group]) => {
          await lanes().queueOf(agentKey).addBulk(group.map(toJob))
          return group
        }),
      )
      const failed = results.find((result) => result.status === 'rejected')
      const delivered = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
      if (failed !== undefined && delivered.length === 0) throw failed.reason
      return delivered
    },

    take: async (agentKey, limit) => takeJobs({ worker: lanes().workerOf(agentKey), token, log }, limit),

    async findDue(agentKeys) {
      const states = await inspectQueues(agentKeys)
      return agentKeys.filter((agentKey) => (states.get(agentKey)?.waiting ?? 0) > 0)
    },

    async countDue(agentKeys, limit) {
      const states = await inspectQueues(agentKeys)
      return [...states.values()].reduce((sum, { waiting }) => sum + Math.min(waiting, limit), 0)
    },

    async inspect(names) {
      const states = await inspectQueues(names)
      const taken = [...states].filter(([, { active }]) => active > 0)
      await Promise.allSettled(taken.map(([name]) => lanes().giveOutStalled(name)))
      return states
    },

    async renew(names) {
      await Promise.all(names.map((name) => renewEpoch(lanes().redis, lanes().keysOf(name))))
    },

    async stop() {
      stopping.abort()
      await opened?.close()
      await close(redis)
      // A failed start was reported to its caller.
      await started?.catch(() => {})
    },
  }

  function failed(error: unknown): never {
    started = undefined
    throw error
  }
}

/**
 * The job's id contains the epoch. A queue that lost a part may still know an id without having the job, and would
 * ignore a new job of the same id.
 */
function toJob({ id, lastSeq, priority, epoch }: SentRun) {
  return {
    name: 'run',
    data: { runId: id },
    opts: {
      jobId: `${id}-${lastSeq}-${keyOf(epoch)}`,
      priority: toJobPriority(priority),
      removeOnComplete: true,
    },
  }
}

async function importBullMq(): Promise<BullMq> {
  try {
    return notEmpty(await import('bullmq'))
  } catch (error) {
    throw libraryMissing('bullmq', NEEDED_FOR, error)
  }
}
