import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../../server/embedded-postgres/embedded-postgres.ts'
import { migrateDatabase } from '../../../server/postgres/migrations/migrate.ts'
import type { CuttingProxy } from '../../support/cutting-proxy.ts'
import { startCuttingProxy } from '../../support/cutting-proxy.ts'
import { fastFolder } from '../../support/fast-folder.ts'
import { observeTransitions } from '../../support/transitions.ts'
import { TRACE_TABLE } from '../system/trace.ts'

export interface ScenePostgres extends AsyncDisposable {
  /** For the tested processes, if their network fails or PostgreSQL restarts. */
  readonly proxy: CuttingProxy
  readonly proxyUrl: string
  /** Without the proxy. It stays the same only as long as PostgreSQL is not restarted. */
  readonly directUrl: string
  /** For observers: a network that never fails, and survives a restart. */
  readonly steadyUrl: string
  /** Asks again while PostgreSQL is away. */
  sql<TRow extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<TRow[]>
  /** Stops it in immediate mode, like a crash, and starts it again. */
  restart(): Promise<void>
}

/** A migrated database in a PostgreSQL of its own, for tests that harm it. */
export async function startPostgres(): Promise<ScenePostgres> {
  const dataDir = join(await fastFolder(), `agent-runtime-faults-${randomUUID()}`)
  let server = await startEmbeddedPostgres({ dataDir, durable: false })
  await migrateDatabase(server.url)
  const proxy = await startCuttingProxy(portOf(server.url))
  const steady = await startCuttingProxy(portOf(server.url))
  const through = ({ url }: CuttingProxy) => withPort(server.url, portOf(url))
  const pool = new pg.Pool({ connectionString: through(steady), max: 3, application_name: 'faults oracle' })
  // A restart breaks it; the next use creates another.
  pool.on('error', () => {})
  await pool.query(TRACE_TABLE)
  await observeTransitions(async (text) => (await pool.query(text)).rows)

  return {
    proxy,
    get proxyUrl() {
      return through(proxy)
    },
    get directUrl() {
      return server.url
    },
    get steadyUrl() {
      return through(steady)
    },
    sql: <TRow extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
      whenBack(async () => (await pool.query<TRow>(text, values)).rows),
    async restart() {
      await server.stop('immediate')
      server = await startEmbeddedPostgres({ dataDir, durable: false })
      proxy.target = steady.target = portOf(server.url)
    },
    async [Symbol.asyncDispose]() {
      await pool.end()
      await proxy[Symbol.asyncDispose]()
      await steady[Symbol.asyncDispose]()
      await server.stop('immediate')
      await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
}

const RETRY_MS = 50
const RETRIES = 400

/** Observers wait for a PostgreSQL that restarts. */
async function whenBack<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      const isAnswer = error instanceof pg.DatabaseError && !/^(?:08|53|57)/.test(error.code ?? '')
      if (isAnswer || tries > RETRIES) throw error
      await sleep(RETRY_MS)
    }
  }
}

const portOf = (url: string): number => Number(new URL(url).port)

function withPort(url: string, port: number): string {
  const changed = new URL(url)
  changed.port = String(port)
  return changed.href
}
