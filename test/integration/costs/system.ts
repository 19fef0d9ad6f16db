import { EventEmitter, once } from 'node:events'
import { startPostgres } from '../../../bench/driver/start-postgres.ts'
import { defineAgent } from '../../../server/index.ts'
import { startTestCluster } from '../../support/cluster.ts'
import { hostRuntimes } from '../../support/node-host.ts'
import type { NodeHost } from '../../support/node-host.ts'
import { createRestClient } from '../../support/rest-client.ts'
import type { RestClient } from '../../support/rest-client.ts'
import type { RuntimeOptions } from '../../../server/index.ts'
import { test as base } from '../../support/runtime.ts'
import type { CreateServer, Sql } from '../../support/runtime.ts'
import { createSilentLogger } from '../../support/silent-logger.ts'
import { readStatementCounts } from './statement-counts.ts'
import type { StatementCounts } from './statement-counts.ts'

export const DELTAS = 100
const DELTA = { messageId: '1', content: 'some words' }

/** An API and a worker, each with its own runtime, like in two processes. */
export interface System {
  /** The URL of the API. */
  host: NodeHost
  /** A client over HTTP. */
  rest: RestClient
  /** Creates a run. Resolves with its id when its end has committed. Nobody follows it. */
  execute(agentKey: 'noop' | 'at-once', more?: Record<string, unknown>): Promise<string>
  /** Lets a run of the agent `one-by-one` emit its next delta. */
  goOn(): void
  readCounts(): Promise<StatementCounts>
}

interface SystemFixture {
  /** Its processes look so rarely that a run caused all that is counted. */
  system: System
  /** The same, with a tenant that has a limit of runs at once. */
  limitedSystem: System
}

interface Parts {
  createServer: CreateServer
  database: { sql: Sql }
  /** The caller, and what the caller may do. */
  limits?: Pick<RuntimeOptions<never>, 'authenticate' | 'config'>
}

const testWithCounts = base.extend({
  // oxlint-disable-next-line no-empty-pattern -- it depends on no other fixture
  cluster: async ({}, use) => {
    const { stop, ...access } = await startTestCluster(startPostgres)
    await use(access)
    await stop()
  },
})

async function withSystem(
  { createServer, database, limits = {} }: Parts,
  use: (system: System) => Promise<void>,
): Promise<void> {
  await database.sql('CREATE EXTENSION pg_stat_statements')
  const { entries: _, ...silent } = createSilentLogger()
  const ends = new EventEmitter()
  // The worker reports it after the commit; looking would be a statement.
  const info = (_fields: object, message: string) => void ends.emit(message)
  let received = Promise.withResolvers<void>()
  const agents = [
    defineAgent({ key: 'noop', run: (ctx) => ctx.emitMessage('done') }),
    defineAgent({
      key: 'at-once',
      async run(ctx) {
        for (let delta = 0; delta < DELTAS; delta += 1) void ctx.emit('assistant.delta', DELTA)
      },
    }),
    defineAgent({
      key: 'one-by-one',
      async run(ctx) {
        for (let delta = 0; delta < DELTAS; delta += 1) {
          received = Promise.withResolvers()
          await ctx.emit('assistant.delta', DELTA)
          await received.promise
        }
      },
    }),
  ]
  await createServer({ agents, ...limits, logger: { ...silent, info } })
  const { runtime } = await createServer({ agents, ...limits, worker: false })
  await using host = await hostRuntimes(runtime)
  const rest = createRestClient((request) =>
    fetch(new Request(request.url.replace('http://runtime.test', host.url), request)),
  )
  await use({
    host,
    rest,
    async execute(agentKey, more) {
      const ended = once(ends, 'a run ended')
      const runId = await rest.create(agentKey, more)
      await ended
      return runId
    },
    goOn: () => received.resolve(),
    readCounts: () => readStatementCounts(database.sql),
  })
}

export const test = testWithCounts.extend<SystemFixture>({
  system: ({ createServer, database }, use) => withSystem({ createServer, database }, use),
  limitedSystem: ({ createServer, database }, use) =>
    withSystem(
      {
        createServer,
        database,
        limits: {
          authenticate: () => ({ id: 'ada', tenantId: 'acme', kind: 'user' }),
          config: { tenantRunsAtOnce: 10 },
        },
      },
      use,
    ),
})
