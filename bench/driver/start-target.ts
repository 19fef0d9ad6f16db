import type { EmbeddedPostgres } from '../../server/embedded-postgres/embedded-postgres.ts'
import { awaitIdle } from './await-idle.ts'
import { readCpuSeconds } from './cpu-time.ts'
import type { RedisServer } from './start-redis.ts'
import { startServerChild } from './server-child.ts'
import type { ServerChild } from './server-child.ts'
import { lookIntoDatabase } from './look-into-database.ts'
import { query } from './target-database.ts'
import type { Tables } from './target-database.ts'
import type { Target, TargetKind } from './target.ts'

export interface Candidate {
  name: TargetKind
  /** Folder of its programs: API and worker. */
  folder: 'floor' | 'system'
  /** Folder of its worker, if that is another one. */
  workerFolder?: 'frameworks' | undefined
  databaseUrl: string
  tables: Tables
  postgres: EmbeddedPostgres
  redis?: RedisServer | undefined
  /** Limit of runs at once for each tenant. */
  tenantRunsAtOnce?: number | undefined
  /** Whether it has traces and metrics. */
  isWatched: boolean
  /** Folder for a CPU profile of each process. */
  profileDir: string | undefined
}

/** Starts an API and a worker process. */
export async function startTarget(candidate: Candidate): Promise<Target & AsyncDisposable> {
  const { name, folder, databaseUrl, tables, postgres, redis, tenantRunsAtOnce, isWatched, profileDir } =
    candidate
  const folders = { api: folder, worker: candidate.workerFolder ?? folder }
  const queue = redis === undefined ? {} : { QUEUE_BACKEND: 'redis', REDIS_URL: redis.url }
  const limits = tenantRunsAtOnce === undefined ? {} : { TENANT_RUNS_AT_ONCE: String(tenantRunsAtOnce) }
  const watched = { BENCH_WATCHED: isWatched ? '1' : '0' }
  await using stack = new AsyncDisposableStack()
  const start = (
    part: 'api' | 'worker',
    { profileInto, env = {} }: { profileInto?: string | undefined; env?: Record<string, string> } = {},
  ): Promise<ServerChild> =>
    startServerChild(new URL(`../${folders[part]}/${part}.ts`, import.meta.url), {
      name: `${name}-${part}`,
      databaseUrl,
      profileDir: profileInto,
      env: { ...queue, ...limits, ...watched, ...env },
    })
  const worker = await start('worker', { profileInto: profileDir })
  stack.defer(worker.stop)
  const api = await start('api', { profileInto: profileDir })
  stack.defer(api.stop)
  const workers = new Set([worker])
  const urlOf = ({ port }: ServerChild): string => `http://127.0.0.1:${port}`

  const processes = stack.move()
  return {
    name,
    [Symbol.asyncDispose]: () => processes.disposeAsync(),
    url: urlOf(api),
    async startApi() {
      const child = await start('api')
      return { url: urlOf(child), readMemory: child.readMemory, [Symbol.asyncDispose]: child.stop }
    },
    async startWorkers(count, { idleAgents = 0 } = {}) {
      const env = { DATABASE_POOL_SIZE: '4', BENCH_IDLE_AGENTS: String(idleAgents) }
      await using started = new AsyncDisposableStack()
      // Starts them one after the other: each start takes CPU time, and the machine may be small.
      for (let index = 0; index < count; index++) {
        const another = await start('worker', { env })
        workers.add(another)
        started.defer(async () => {
          workers.delete(another)
          await another.stop()
        })
      }
      return started.move()
    },
    pauseWorker() {
      process.kill(worker.pid, 'SIGSTOP')
      return { [Symbol.dispose]: () => void process.kill(worker.pid, 'SIGCONT') }
    },
    endStreams: worker.endStreams,
    measure: worker.measure,
    async settle() {
      await awaitIdle([api.pid, worker.pid])
      await query(databaseUrl, 'VACUUM ANALYZE')
      await query(databaseUrl, 'CHECKPOINT')
    },
    async readCpuTime() {
      const pids = [api.pid, postgres.pid, ...[...workers].map(({ pid }) => pid)]
      const [ofApi, ofPostgres, ...ofWorkers] = await Promise.all(pids.map(readCpuSeconds))
      if (ofApi === undefined || ofPostgres === undefined) return undefined
      const ofWorker = ofWorkers.reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0)
      const ofRedis = redis === undefined ? 0 : await readCpuSeconds(redis.pid)
      return { api: ofApi, worker: ofWorker, postgres: ofPostgres, redis: ofRedis ?? 0 }
    },
    ...lookIntoDatabase(databaseUrl, tables),
  }
}
