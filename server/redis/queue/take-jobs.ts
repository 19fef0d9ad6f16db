// Takes jobs, and completes them or gives them back.
import type { Job, Worker } from 'bullmq'
import type { z } from 'zod'
import { toProblems } from '../../contract/issues.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Taken } from '../../ports/queue.ts'
import { reasonOf } from '../reason-of.ts'
import { Payload } from './payload.ts'

/** The most jobs that are requested at the same time. */
const MAX_AT_ONCE = 32

interface Taker {
  worker: Worker<Payload>
  /** The token with which this process locks its jobs. */
  token: string
  log: Logger
}

/** Takes up to `limit` jobs. Jobs that are not deliveries become dead letters. */
export async function takeJobs({ worker, token, log }: Taker, limit: number): Promise<Taken> {
  const jobs: Job<Payload>[] = []
  const runIds = new Set<string>()
  const got = await getJobs({ worker, token }, limit)
  for (const job of got) {
    const payload = Payload.safeParse(job.data)
    if (!payload.success) {
      await setAside(job, payload.error, { token, log })
      continue
    }
    jobs.push(job)
    runIds.add(payload.data.runId)
  }
  return {
    runIds: [...runIds],
    mayHaveMore: got.length === limit,
    done: () => quietly(jobs, log, (job) => job.moveToCompleted(null, token, false)),
    giveBack: () => quietly(jobs, log, (job) => job.moveToWait(token)),
  }
}

async function getJobs(
  { worker, token }: Pick<Taker, 'worker' | 'token'>,
  limit: number,
): Promise<Job<Payload>[]> {
  const jobs: Job<Payload>[] = []
  // Ask for one job first, which is enough to find an empty queue.
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

/** BullMQ's types leave out that an empty queue gives undefined. */
function isJob(job: Job<Payload> | undefined): job is Job<Payload> {
  return job !== undefined
}

/** Makes a foreign job a dead letter, so that it is neither delivered again nor lost. */
async function setAside(
  job: Job<Payload>,
  error: z.ZodError,
  { token, log }: Pick<Taker, 'token' | 'log'>,
): Promise<void> {
  const reason = toProblems(error.issues).join('; ')
  log.error(
    { queue: job.queueName, id: job.id, reason, payload: job.data },
    'a job that is not a delivery is now a dead letter',
  )
  await quietly([job], log, () => job.moveToFailed(new Error(reason), token, false))
}

/** Never rejects. If it fails, BullMQ delivers the jobs again later. */
async function quietly(
  jobs: readonly Job<Payload>[],
  log: Logger,
  settle: (job: Job<Payload>) => Promise<unknown>,
): Promise<void> {
  const results = await Promise.allSettled(jobs.map(settle))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined)
    log.debug({ reason: reasonOf(failed.reason) }, 'deliveries stay with Redis for now')
}
