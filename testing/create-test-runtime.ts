import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgentClient } from '../client/index.ts'
import type { AgentClient } from '../client/index.ts'
import { startEmbeddedPostgres } from '../server/embedded-postgres/embedded-postgres.ts'
import { migrateDatabase } from '../server/postgres/migrations/migrate.ts'
import type { AnyAgent, ShapeOfAgent } from '../server/agent/agent.ts'
import { systemClock } from '../server/ports/system-clock.ts'
import { createPostgresPool } from '../server/postgres/connections/pool.ts'
import { readStoredSteps } from '../server/postgres/read-record.ts'
import {
  hasBegunWhatIsDue,
  installShiftedTime,
  SHIFTED_SESSION,
  shiftTime,
} from '../server/postgres/shifted-time.ts'
import { createReadEvents } from '../server/postgres/statements/read-events.ts'
import { assertAsked } from '../server/models/scripted.ts'
import { assembleRuntime } from '../server/runtime/create-runtime.ts'
import type { AgentRuntime, RuntimeOptions } from '../server/runtime/agent-runtime.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import { TestClock } from './test-clock.ts'
import { createRunAgents } from './test-run.ts'
import type { RunAgents } from './test-run.ts'

export interface TestRuntime<TShape extends AgentShape> extends RunAgents<TShape>, AsyncDisposable {
  runtime: AgentRuntime<TShape>
  /** Calls the runtime in this process, through its whole HTTP face. */
  client: AgentClient<TShape>
  /**
   * Moves time on, for waits, sleeps, schedules, retries and deadlines: in this process and in the database. Resolves when all runs
   * have begun whose time has come by that. `Date` is not changed.
   *
   * @example
   * await test.advance(24 * 3_600_000)
   */
  advance(ms: number): Promise<void>
  /** Stops the worker, the runtime and, unless a database was given, PostgreSQL. */
  stop(): Promise<void>
}

export interface TestRuntimeOptions<TAgents extends readonly AnyAgent[]> extends RuntimeOptions<TAgents> {
  /**
   * A database to use. Default: a PostgreSQL of its own, started for this runtime and removed with
   * it, which takes about a second: share one runtime between the tests of a file.
   */
  databaseUrl?: string
}

/**
 * A runtime with a worker over a real PostgreSQL, and a client of it: for the tests of your agents.
 *
 * @example
 * const model = createScriptedModel([{ text: 'Hello' }])
 * await using test = await createTestRuntime({ agents: [chat], model })
 * const run = await test.client.runs.create({ agentKey: 'chat', messages })
 * expect(await run.result()).toEqual({ response: 'Hello' })
 */
export async function createTestRuntime<const TAgents extends readonly AnyAgent[]>({
  databaseUrl,
  ...options
}: TestRuntimeOptions<TAgents>): Promise<TestRuntime<ShapeOfAgent<TAgents[number]>>> {
  type Runtime = AgentRuntime<ShapeOfAgent<TAgents[number]>>
  const database = databaseUrl === undefined ? await startThrowAwayDatabase() : { url: databaseUrl, remove }
  await migrateDatabase(database.url)
  const pool = createPostgresPool({
    databaseUrl: database.url,
    size: 2,
    connectTimeoutMs: 10_000,
    preparedStatements: true,
    log: silent,
  })
  const clock = new TestClock(await installShiftedTime(pool))
  const runtime: Runtime = assembleRuntime(
    {
      ...options,
      logger: options.logger ?? silent,
      config: { ...options.config, databaseUrl: database.url },
    },
    { clock, sessionSettings: SHIFTED_SESSION },
  )
  await runtime.startWorker()
  const stop = async (): Promise<void> => {
    await runtime.stop()
    await pool.end()
    await database.remove()
  }
  const client = createAgentClient<Runtime>({
    url: `http://localhost${runtime.config.trpcPath}`,
    fetch: (input, init) => runtime.handler(new Request(input, init)),
  })
  const readEvents = createReadEvents(pool)
  const agents = createRunAgents(
    runtime,
    {
      events: (runId) => readEvents(runId, 0, MAX_EVENTS),
      steps: (runId) => readStoredSteps(pool, runId),
    },
    () => assertAsked(options.model),
  )
  return {
    ...agents,
    runtime,
    client,
    async advance(ms) {
      await shiftTime(pool, ms)
      clock.advance(ms)
      const until = systemClock.now() + BEGINS_WITHIN_MS
      while (!(await hasBegunWhatIsDue(pool))) {
        if (systemClock.now() > until) throw new Error('Runs whose time has come do not begin.')
        await systemClock.sleep(LOOK_EVERY_MS)
      }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const MAX_EVENTS = 1_000_000
const LOOK_EVERY_MS = 10
const BEGINS_WITHIN_MS = 30_000

const silent = { debug() {}, info() {}, warn() {}, error() {} }

async function remove(): Promise<void> {}

async function startThrowAwayDatabase(): Promise<{ url: string; remove(): Promise<void> }> {
  const dataDir = join(tmpdir(), `agent-runtime-test-${randomUUID()}`)
  const postgres = await startEmbeddedPostgres({ dataDir, durable: false })
  return {
    url: postgres.url,
    async remove() {
      await postgres.stop('immediate')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
