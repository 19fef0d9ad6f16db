// The queue on BullMQ: one BullMQ queue per agent. Its worker processes jobs; ours takes them, has the store claim their
// runs, and only then says that they are done. What is taken by a process that dies meanwhile BullMQ calls stalled, and
// gives out again. Redis holds what is due now, nothing else, and may lose it.
import type { Job } from 'bullmq'
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { z } from 'zod'
import { toProblems } from '../../contract/issues.ts'
import type { Logger } from '../../ports/logger.ts'
import type { RemoteQueue } from '../../ports/queue.ts'
import { loadRedis, RedisAwayError } from '../connect.ts'
import type { RedisClient } from '../connect.ts'
import { close, connect, reportBreaks } from '../connection.ts'
import { notEmpty } from '../../ports/optional-peer.ts'
import { libraryMissing } from '../library-missing.ts'
import { reasonOf } from '../reason-of.ts'
import { checkServer } from './check-server.ts'
import { readEpoch } from './epoch.ts'
import { Lanes } from './lanes.ts'
import type { BullMq } from './lanes.ts'
import { Payload } from './payload.ts'

const NEEDED_FOR = 'QUEUE_BACKEND=redis'

/** What starts waits so long for a Redis that stands still: what comes first needs not go by a look then. */
const START_PATIENCE_MS = 1_000
/** Jobs that are asked for at once. */
const MAX_AT_ONCE = 32
/** BullMQ knows priorities from 1 to 2,097,152, the lowest first; those of runs go from -100 to 100. */
const toJobPriority = (priority: number): number => 1_000 - priority

interface RedisQueueOptions {
  redisUrl: string | undefined
  isCluster: boolean
  /** What tells the keys of this installation from those of others in the same Redis. */
  namespace(): Promise<string>
  log: Logger
  /** Without an answer for so long, a connection is given up and made anew. Default: 10 s. */
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
    const connected = connect(client, log)
    void connected.then(() => checkServer(client, log))
    await Promise.race([connected, setTimeout(START_PATIENCE_MS, undefined, { ref: false })])
  }

  /** @throws RedisAwayError before it has started, and after it was stopped. */
  function lanes(): Lanes {
    if (opened === undefined || stopping.signal.aborted) throw new RedisAwayError('The queue is not open.')
    return opened
  }

  /** Never rejects: what this is for happens again by itself. */
  async function quietly(jobs: readonly Job<Payload>[], settle: (job: Job<Payload>) => Promise<unknown>) {
    const results = await Promise.allSettled(jobs.map(settle))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined)
      log.debug({ reason: reasonOf(failed.reason) }, 'deliveries stay with Redis for now')
  }

  /** Sets aside what is none of ours, so that it neither comes again and again nor vanishes. */
  async function setAside(job: Job<Payload>, error: z.ZodError): Promise<void> {
    const reason = toProblems(error.issues).join('; ')
    log.error(
      { queue: job.queueName, id: job.id, reason, payload: job.data },
      'a delivery that is not ours is now a dead letter',
    )
    await quietly([job], () => job.moveToFailed(new Error(reason), token, false))
  }

  async function getJobs(agentKey: string, limit: number): Promise<Job<Payload>[]> {
    const worker = lanes().workerOf(agentKey)
    const jobs: Job<Payload>[] = []
    // One at first: of a queue where nothing is one question is enough.
    for (let ask = 1; ask > 0; ask = Math.min(limit - jobs.length, MAX_AT_ONCE)) {
      const results = await Promise.allSettled(
        Array.from({ length: ask }, () => worker.getNextJob(token, { block: false })),
      )
      const got = results.flatMap((result) =>
        result.status === 'fulfilled' && isJob(result.value) ? [result.value] : [],
      )
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined && jobs.length + got.length === 0) throw failed.reason
      jobs.push(...got)
      if (got.length < ask) break
    }
    return jobs
  }

  async function countWaiting(agentKey: string): Promise<number> {
    const { waiting = 0, prioritized = 0 } = await lanes()
      .queueOf(agentKey)
      .getJobCounts('waiting', 'prioritized')
    return waiting + prioritized
  }

  return {
    start: () => (started ??= start().catch(failed)),

    async deliver(runs) {
      await Promise.all(
        [...Map.groupBy(runs, (run) => run.agentKey)].map(async ([agentKey, group]) => {
          await lanes()
            .queueOf(agentKey)
            .addBulk(
              group.map(({ id, lastSeq, priority }) => ({
                name: 'run',
                data: { runId: id },
                opts: {
                  jobId: `${id}-${lastSeq}`,
                  priority: toJobPriority(priority),
                  removeOnComplete: true,
                },
              })),
            )
        }),
      )
    },

    async take(agentKey, limit) {
      const jobs: Job<Payload>[] = []
      const runIds = new Set<string>()
      const got = await getJobs(agentKey, limit)
      for (const job of got) {
        const payload = Payload.safeParse(job.data)
        if (!payload.success) {
          await setAside(job, payload.error)
          continue
        }
        jobs.push(job)
        runIds.add(payload.data.runId)
      }
      return {
        runIds: [...runIds],
        mayHaveMore: got.length === limit,
        done: () => quietly(jobs, (job) => job.moveToCompleted(null, token, false)),
        giveBack: () => quietly(jobs, (job) => job.moveToWait(token)),
      }
    },

    async findDue(agentKeys) {
      // A worker that asks also takes, so it checks for stalled jobs.
      for (const agentKey of agentKeys) lanes().workerOf(agentKey)
      const counts = await Promise.all(agentKeys.map(countWaiting))
      return agentKeys.filter((_, index) => (counts[index] ?? 0) > 0)
    },

    async countDue(agentKeys, limit) {
      const counts = await Promise.all(agentKeys.map(countWaiting))
      return counts.reduce((sum, waiting) => sum + Math.min(waiting, limit), 0)
    },

    async epochs(agentKeys) {
      const { redis: client } = lanes()
      const epochs = await Promise.all(
        agentKeys.map((agentKey) => readEpoch(client, lanes().prefixOf(agentKey))),
      )
      return new Map(agentKeys.map((agentKey, index) => [agentKey, epochs[index] ?? '']))
    },

    async stop() {
      stopping.abort()
      await opened?.close()
      await close(redis)
      // One that fails has told whoever asked for it.
      await started?.catch(() => {})
    },
  }

  function failed(error: unknown): never {
    started = undefined
    throw error
  }
}

/** BullMQ's types know nothing of an empty queue. */
function isJob(job: Job<Payload> | undefined): job is Job<Payload> {
  return job !== undefined
}

async function importBullMq(): Promise<BullMq> {
  try {
    return notEmpty(await import('bullmq'))
  } catch (error) {
    throw libraryMissing('bullmq', NEEDED_FOR, error)
  }
}
