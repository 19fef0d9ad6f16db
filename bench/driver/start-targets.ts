import pg from 'pg'
import type { EmbeddedPostgres } from '../../server/adapters/embedded-postgres/embedded-postgres.ts'
import { migrateDatabase } from '../../server/index.ts'
import { FLOOR_SCHEMA } from '../floor/schema.ts'
import { readCpuSeconds } from './cpu-time.ts'
import { startServerChild } from './server-child.ts'
import type { ServerChild } from './server-child.ts'
import type { Target } from './target.ts'

interface StartOptions {
  postgres: EmbeddedPostgres
  /** Folder that takes a CPU profile of each process. */
  profileDir: string | undefined
  /** Is given what to do at the end, as it becomes necessary. */
  cleanup: AsyncDisposableStack
}

/** Starts floor and system, each with a database of its own in the same PostgreSQL. */
export async function startTargets(options: StartOptions): Promise<{ floor: Target; system: Target }> {
  const floorUrl = await createDatabase(options.postgres.url, 'bench_floor')
  await query(floorUrl, FLOOR_SCHEMA)
  const systemUrl = await createDatabase(options.postgres.url, 'bench_system')
  await migrateDatabase(systemUrl)
  return {
    floor: await startTarget('floor', floorUrl, options),
    system: await startTarget('system', systemUrl, options),
  }
}

async function startTarget(
  name: Target['name'],
  databaseUrl: string,
  { postgres, profileDir, cleanup }: StartOptions,
): Promise<Target> {
  async function start(part: 'api' | 'worker'): Promise<ServerChild> {
    const child = await startServerChild(new URL(`../${name}/${part}.ts`, import.meta.url), {
      databaseUrl,
      profileDir,
    })
    cleanup.defer(() => child.stop())
    return child
  }
  const worker = await start('worker')
  const api = await start('api')
  return {
    name,
    url: `http://127.0.0.1:${api.port}`,
    async settle() {
      await query(databaseUrl, 'VACUUM ANALYZE')
      await query(databaseUrl, 'CHECKPOINT')
    },
    async readCpuTime() {
      const seconds = await Promise.all([api.pid, worker.pid, postgres.pid].map(readCpuSeconds))
      const [ofApi, ofWorker, ofPostgres] = seconds
      if (ofApi === undefined || ofWorker === undefined || ofPostgres === undefined) return undefined
      return { node: ofApi + ofWorker, postgres: ofPostgres }
    },
  }
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await query(serverUrl, `CREATE DATABASE ${name}`)
  return serverUrl.replace(/[^/]+$/, name)
}

/** One statement, or several without parameters, on a connection of its own. */
export async function query(databaseUrl: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}
