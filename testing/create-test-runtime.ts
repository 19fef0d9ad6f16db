import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgentClient } from '../client/index.ts'
import type { AgentClient } from '../client/index.ts'
import { startEmbeddedPostgres } from '../server/embedded-postgres/embedded-postgres.ts'
import { migrateDatabase } from '../server/postgres/migrations/migrate.ts'
import type { AnyAgent, ShapeOfAgent } from '../server/agent/define-agent.ts'
import { createAgentRuntime } from '../server/runtime/create-runtime.ts'
import type { AgentRuntime, RuntimeOptions } from '../server/runtime/agent-runtime.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'

export interface TestRuntime<TShape extends AgentShape> extends AsyncDisposable {
  runtime: AgentRuntime<TShape>
  /** Calls the runtime in this process, through its whole HTTP face. */
  client: AgentClient<TShape>
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
  const runtime: Runtime = createAgentRuntime({
    ...options,
    logger: options.logger ?? silent,
    config: { ...options.config, databaseUrl: database.url },
  })
  await runtime.startWorker()
  const stop = async (): Promise<void> => {
    await runtime.stop()
    await database.remove()
  }
  const client = createAgentClient<Runtime>({
    url: `http://localhost${runtime.config.trpcPath}`,
    fetch: (input, init) => runtime.handler(new Request(input, init)),
  })
  return { runtime, client, stop, [Symbol.asyncDispose]: stop }
}

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
