import type { EmbeddedPostgres } from '../../server/embedded-postgres/embedded-postgres.ts'
import { awaitIdle } from './await-idle.ts'
import { readCpuSeconds } from './cpu-time.ts'
import type { RedisServer } from './start-redis.ts'
import { startServerChild } from './server-child.ts'
import type { ServerChild } from './server-child.ts'
import { query, queryNumber } from './target-database.ts'
import type { Tables } from './target-database.ts'
import { FILLED_AGENT_KEY } from './target.ts'
import type { Target, TargetKind } from './target.ts'

export interface Candidate {
  name: TargetKind
  /** Folder of the programs that are its API and its worker. */
  folder: 'floor' | 'system'
  databaseUrl: string
  tables: Tables
  postgres: EmbeddedPostgres
  redis?: RedisServer | undefined
  /** Folder that takes a CPU profile of each process. */
  profileDir: string | undefined
}

/** Starts an API and a worker process. */
export async function startTarget(candidate: Candidate): Promise<Target & AsyncDisposable> {
  const { name, folder, databaseUrl, tables, postgres, redis, profileDir } = candidate
  const queue = redis === undefined ? {} : { QUEUE_BACKEND: 'redis', REDIS_URL: redis.url }
  await using stack = new AsyncDisposableStack()
  const start = (
    part: 'api' | 'worker',
    { profileInto, env = {} }: { profileInto?: string | undefined; env?: Record<string, string> } = {},
  ): Promise<ServerChild> =>
    startServerChild(new URL(`../${folder}/${part}.ts`, import.meta.url), {
      name: `${name}-${part}`,
      databaseUrl,
      profileDir: profileInto,
      env: { ...queue, ...env },
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
      // Not all at once: starting is work, and the machine may be small.
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
    endStreams: worker.endStreams,
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
    async readLooks() {
      if (tables.crowd === undefined) return undefined
      const [row] = await query(
        databaseUrl,
        // Those that find that another look is recent return no row.
        `SELECT sum(rows) AS count, sum(total_exec_time) AS ms, sum(shared_blks_hit + shared_blks_read) AS buffers
         FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
         WHERE datname = current_database() AND query LIKE '%"absentWorkerIds"%'`,
      )
      return { count: Number(row?.['count']), ms: Number(row?.['ms']), buffers: Number(row?.['buffers']) }
    },
    async crowd({ queued, waiting }) {
      const { crowd } = tables
      if (crowd !== undefined) await query(databaseUrl, crowd.add, [queued, waiting])
      return {
        async [Symbol.asyncDispose]() {
          if (crowd !== undefined) await query(databaseUrl, crowd.remove)
        },
      }
    },
    async readStatements() {
      const [row] = await query(
        databaseUrl,
        `SELECT sum(calls) AS executed, sum(rows) AS rows
         FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
         WHERE datname = current_database()`,
      )
      return { executed: Number(row?.['executed']), rows: Number(row?.['rows']) }
    },
    async readEventTable() {
      // A partitioned table has no size of its own.
      const [row] = await query(
        databaseUrl,
        `SELECT sum(pg_total_relation_size(oid)) AS bytes,
           sum(GREATEST(reltuples, 0)) FILTER (WHERE relkind = 'r') AS rows
         FROM pg_class
         WHERE oid = '${tables.event}'::regclass
           OR oid IN (SELECT relid FROM pg_partition_tree('${tables.event}'))`,
      )
      return { bytes: Number(row?.['bytes']), rows: Number(row?.['rows']) }
    },
    countEvents: (runIds) =>
      queryNumber(databaseUrl, `SELECT count(*) FROM ${tables.event} WHERE run_id = ANY ($1::uuid[])`, [
        runIds,
      ]),
    async fill(runs) {
      await query(databaseUrl, tables.fill, [runs])
    },
    async pickFilledRuns(count) {
      const rows = await query(
        databaseUrl,
        `SELECT id FROM ${tables.run} WHERE agent_key = $1 ORDER BY random() LIMIT $2`,
        [FILLED_AGENT_KEY, count],
      )
      return rows.map(({ id }) => String(id))
    },
  }
}
