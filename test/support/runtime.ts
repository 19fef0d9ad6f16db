import pg from 'pg'
import { inject, test as base, vi } from 'vitest'
import type { AnyAgent, ShapeOfAgent } from '../../server/agent/agent.ts'
import { createAgentRuntime } from '../../server/runtime/create-runtime.ts'
import type { AgentRuntime, RuntimeOptions, WorkerOptions } from '../../server/runtime/agent-runtime.ts'
import { createScriptedModel } from '../../server/models/scripted.ts'
import { brokenInvariants } from './check-invariants.ts'
import type { ClusterAccess } from './cluster.ts'
import { createTestDatabase } from './database.ts'
import { createRestClient } from './rest-client.ts'
import type { RestClient } from './rest-client.ts'
import { createSilentLogger } from './silent-logger.ts'
import type { LogEntry } from './silent-logger.ts'
import { observeTransitions, seenTransitions, unknownTransitions } from './transitions.ts'
import { createTestTrpc } from './trpc-client.ts'
import type { TestTrpc } from './trpc-client.ts'

interface ServerOptions<TAgents extends readonly AnyAgent[]> extends RuntimeOptions<TAgents> {
  /** Starts a worker too. Default: true. */
  worker?: boolean | WorkerOptions
}

export interface TestServer<TRuntime extends AgentRuntime = AgentRuntime> {
  runtime: TRuntime
  rest: RestClient
  /** Both clients with these headers. */
  as(headers: Record<string, string>): { rest: RestClient; trpc: TestTrpc }
  trpc: TestTrpc
  /** The log so far. */
  log: LogEntry[]
}

export type CreateServer = <const TAgents extends readonly AnyAgent[]>(
  options: ServerOptions<TAgents>,
) => Promise<TestServer<AgentRuntime<ShapeOfAgent<TAgents[number]>>>>

export type Sql = <TRow extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<TRow[]>

/** Only hints: what needs a poll makes its test time out. */
const SETTINGS = {
  cancelGraceSeconds: 0.1,
  maxAttempts: 1,
  queuePollIntervalSeconds: 600,
  retryDelaySeconds: 0.05,
  streamPollIntervalSeconds: 600,
}

interface Fixtures {
  /** Where the database is created. Default: the cluster that all tests share. */
  cluster: ClusterAccess
  /**
   * An empty database of the test, and ways to look into it. When the test is over, it fails if an invariant
   * is broken, or if a run made a transition that `TRANSITIONS` does not have.
   */
  database: {
    url: string
    sql: Sql
    /** The transitions that its runs made: see `seenTransitions`. */
    transitions(): Promise<string[]>
    /** Another connection, for transactions: `sql` always sees the current state of the database. */
    connect(): Promise<pg.Client>
    /** Ends those connections. */
    release(): Promise<void>
  }
  /**
   * Creates runtimes over that database. When the test is over they are stopped. It fails if they left a
   * connection behind or broke an invariant.
   */
  createServer: CreateServer
}

export const test = base.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern -- it depends on no other fixture
  cluster: [async ({}, use) => use(inject('postgres')), { scope: 'file' }],

  database: async ({ task, cluster }, use) => {
    await using database = await createTestDatabase(cluster)
    const client = new pg.Client({ connectionString: database.url, application_name: 'test' })
    await client.connect()
    const sql: Sql = async <TRow extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
      (await client.query<TRow>(text, values)).rows
    await observeTransitions(sql)
    const others: pg.Client[] = []
    await use({
      url: database.url,
      transitions: () => seenTransitions(sql),
      async connect() {
        const other = new pg.Client({ connectionString: database.url, application_name: 'test' })
        others.push(other)
        await other.connect()
        return other
      },
      async release() {
        await Promise.all(others.splice(0).map((other) => other.end()))
      },
      sql,
    })
    const [broken, unknown] = await Promise.all([brokenInvariants(client), unknownTransitions(sql)]).finally(
      () => client.end(),
    )
    if (unknown.length > 0) {
      throw new Error(`"${task.name}" took a run where no transition leads: ${unknown.join(', ')}`)
    }
    if (Object.keys(broken).length > 0) {
      throw new Error(`"${task.name}" left a database that can't be: ${JSON.stringify(broken, null, 2)}`)
    }
  },

  createServer: async ({ database }, use) => {
    const runtimes: AgentRuntime[] = []
    await use(async ({ worker = true, ...options }) => {
      const { entries, ...logger } = createSilentLogger()
      const config = { databaseUrl: database.url, ...SETTINGS, ...options.config }
      const runtime = createAgentRuntime({ model: createScriptedModel([]), logger, ...options, config })
      runtimes.push(runtime)
      if (worker !== false) await runtime.startWorker(worker === true ? {} : worker)
      const as = (headers: Record<string, string>) => ({
        rest: createRestClient(runtime.handler, headers),
        trpc: createTestTrpc(runtime.handler, headers),
      })
      return { runtime, log: entries, as, ...as({}) }
    })
    // A failed test may have left a waiter for a lock that it holds.
    await database.release()
    await Promise.all(runtimes.map((runtime) => runtime.stop()))
    await vi.waitFor(async () => {
      const left = await database.sql(
        `SELECT application_name, state, query FROM pg_stat_activity
         WHERE datname = current_database() AND application_name <> 'test' AND backend_type = 'client backend'`,
      )
      if (left.length > 0) throw new Error(`connections were left behind: ${JSON.stringify(left)}`)
    })
  },
})
