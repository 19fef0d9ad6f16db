import { describe, expect, vi } from 'vitest'
import { migrateDatabase } from '../../../../server/postgres/migrations/migrate.ts'
import { PrismaClient } from '../../../../server/postgres/prisma/generated/client.ts'
import { ConfigError, StartupError, createAgentRuntime, defineAgent } from '../../../../server/index.ts'
import { PrismaPg } from '@prisma/adapter-pg'
import { createRestClient } from '../../../support/rest-client.ts'
import { startCuttingProxy } from '../../../support/cutting-proxy.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })

function createRuntime(databaseUrl: string | undefined) {
  const config = databaseUrl === undefined ? {} : { databaseUrl }
  return createAgentRuntime({
    agents: [agent],
    config,
    model: createScriptedModel([]),
    logger: createSilentLogger(),
  })
}

/** The same database under another URL. */
function altered(url: string, change: (url: URL) => void): string {
  const copy = new URL(url)
  change(copy)
  return copy.href
}

describe('a runtime that can’t start says why, in one sentence', () => {
  const unreachable = 'postgres://nobody:hunter2@127.0.0.1:1/nowhere'

  test.for([
    {
      what: 'nobody answers',
      change: (url: URL) => void (url.port = '1'),
      says: /No PostgreSQL answers at 127\.0\.0\.1:1/,
    },
    {
      what: 'there is no such database',
      change: (url: URL) => void (url.pathname = '/nowhere'),
      says: /nowhere does not exist/,
    },
    {
      what: 'the password is wrong',
      change: (url: URL) => void (url.password = 'hunter2'),
      says: /refuses the user or password/,
    },
  ])('when $what', async ({ change, says }, { database }) => {
    const runtime = createRuntime(altered(database.url, change))
    const error: unknown = await runtime.start().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StartupError)
    const { message } = error as StartupError
    expect(message).toMatch(says)
    expect(message).not.toContain('hunter2')
    expect(message.split('\n')).toHaveLength(1)
    expect((error as StartupError).cause).toBeInstanceOf(Error)
    await runtime.stop()
  })

  test('when the database is empty', async ({ database }) => {
    await database.sql('DROP SCHEMA agent_runtime CASCADE')
    const runtime = createRuntime(database.url)
    await expect(runtime.start()).rejects.toThrow(/no agent_runtime tables yet\. Run: agent-runtime migrate/)
    await runtime.stop()
    await migrateDatabase(database.url)
  })

  test('when the queue’s tables are missing', async ({ database }) => {
    await database.sql('DROP SCHEMA agent_runtime_queue CASCADE')
    const runtime = createRuntime(database.url)
    await expect(runtime.start()).rejects.toThrow(/agent-runtime migrate/)
    await runtime.stop()
    await migrateDatabase(database.url)
  })

  test('when it was told of no database', async () => {
    vi.stubEnv('DATABASE_URL', undefined)
    const runtime = createAgentRuntime({ agents: [agent] })
    vi.unstubAllEnvs()
    await expect(runtime.start()).rejects.toThrow(ConfigError)
    await expect(runtime.start()).rejects.toThrow(/DATABASE_URL is not set/)
    await runtime.stop()
  })

  test('and answers requests with 503, nothing of the reason, and 200 for being alive', async () => {
    const runtime = createRuntime(unreachable)
    const rest = createRestClient(runtime.handler)
    for (const path of ['/readyz', 'runs']) {
      const answer = await rest.get(path)
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
      expect(JSON.stringify(answer.body)).not.toMatch(/hunter2|127\.0\.0\.1|nowhere/)
    }
    const overTrpc = await rest.get('/trpc/runs.list?input={}')
    expect(overTrpc).toMatchObject({
      status: 503,
      body: { error: { data: { error: { code: 'unavailable' } } } },
    })
    expect(await rest.get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
    await runtime.stop()
  })
})

test('a runtime that was stopped says so, and sends requests elsewhere', async ({ createServer }) => {
  const { rest, runtime } = await createServer({ agents: [agent] })
  await rest.create('agent')
  await runtime.stop()
  for (const path of ['/readyz', 'runs']) {
    expect(await rest.get(path)).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  }
  await expect(runtime.start()).rejects.toThrow(/was stopped/)
  await expect(runtime.startWorker()).rejects.toThrow(StartupError)
  expect((await rest.get('/healthz')).status).toBe(200)
})

describe('a database that is away for a while', () => {
  test('makes it 503, and 200 when it is back, without a restart', async ({ database, createServer }) => {
    await using proxy = await startCuttingProxy(Number(new URL(database.url).port))
    proxy.refuse(true)
    const databaseUrl = altered(database.url, (url) => void (url.port = new URL(proxy.url).port))
    const { rest, trpc, runtime } = await createServer({
      agents: [agent],
      config: { databaseUrl },
      worker: false,
    })
    expect((await rest.get('/readyz')).status).toBe(503)
    await expect(runtime.start()).rejects.toThrow(StartupError)
    proxy.refuse(false)
    expect((await rest.get('/readyz')).status).toBe(200)
    const id = await rest.create('agent')
    proxy.refuse(true)
    proxy.cut()
    const unavailable = { status: 503, body: { code: 'unavailable' } }
    expect((await rest.get('/readyz')).status).toBe(503)
    expect(await rest.get(`runs/${id}`)).toMatchObject(unavailable)
    expect(await rest.get('runs')).toMatchObject(unavailable)
    expect(await rest.get(`runs/${id}/events`)).toMatchObject(unavailable)
    expect(await rest.post('runs', { agent_key: 'agent' })).toMatchObject(unavailable)
    expect(await rest.post('conversations', {})).toMatchObject(unavailable)
    await expect(trpc.client.runs.get.query({ runId: id })).rejects.toMatchObject({
      data: { httpStatus: 503 },
    })
    proxy.refuse(false)
    expect((await rest.get('/readyz')).status).toBe(200)
    await runtime.startWorker()
    await rest.events(`runs/${id}/events`)
    await runtime.stop()
  })

  test('keeps no run from ending: workers go on when it is back', async ({ database, createServer }) => {
    await using proxy = await startCuttingProxy(Number(new URL(database.url).port))
    const databaseUrl = altered(database.url, (url) => void (url.port = new URL(proxy.url).port))
    const gone = Promise.withResolvers<void>()
    const enduring = defineAgent({
      key: 'enduring',
      async run(ctx) {
        await ctx.emitMessage('before')
        await gone.promise
        await ctx.emitMessage('meanwhile')
        return { output: 'done' }
      },
    })
    const away = await createServer({ agents: [enduring], config: { databaseUrl } })
    const here = await createServer({ agents: [enduring], worker: false })
    const id = await here.rest.create('enduring')
    await (await here.rest.stream(`runs/${id}/events`)).until('assistant.message')
    proxy.refuse(true)
    proxy.cut()
    gone.resolve()
    await expect
      .poll(() => away.log.some(({ message }) => message.includes('writing events failed')))
      .toBe(true)
    proxy.refuse(false)
    const events = await here.rest.events(`runs/${id}/events?include_all=1`)
    expect(events.map((event) => event['content'] ?? event.type)).toEqual([
      'run.started',
      'before',
      'meanwhile',
      'run.succeeded',
    ])
    await away.runtime.stop()
  })
})

describe('migrating', () => {
  const schemas = `SELECT table_schema || '.' || table_name AS name, column_name, data_type, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema LIKE 'agent_runtime%' ORDER BY 1, ordinal_position`

  test('again changes nothing, and says so', async ({ database }) => {
    const before = await database.sql(schemas)
    expect(await migrateDatabase(database.url)).toEqual([])
    expect(await database.sql(schemas)).toEqual(before)
  })

  test('by many at once, each on its own, ends in one and the same database', async ({ database }) => {
    const expected = await database.sql(schemas)
    await database.sql('DROP SCHEMA agent_runtime CASCADE; DROP SCHEMA agent_runtime_queue CASCADE')
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrateDatabase(database.url)))
    expect(applied.filter((names) => names.some((name) => name.includes('initial')))).toHaveLength(1)
    expect(await database.sql(schemas)).toEqual(expected)
    const kept = await database.sql(
      `SELECT migration_name, finished_at IS NOT NULL AS finished, rolled_back_at FROM agent_runtime._prisma_migrations`,
    )
    expect(kept.length).toBeGreaterThan(1)
    for (const migration of kept) expect(migration).toMatchObject({ finished: true, rolled_back_at: null })
    expect(await database.sql(`SELECT to_regclass('public._prisma_migrations') AS it`)).toEqual([
      { it: null },
    ])
  })

  test('servers that start at once on a new database make each queue once', async ({
    createServer,
    database,
  }) => {
    const servers = await Promise.all(Array.from({ length: 5 }, () => createServer({ agents: [agent] })))
    const ids = await Promise.all(servers.map(({ rest }) => rest.create('agent')))
    for (const id of ids) await servers[0]?.rest.events(`runs/${id}/events`)
    expect(await database.sql(`SELECT name FROM agent_runtime_queue.queue ORDER BY name`)).toEqual([
      { name: 'agent' },
      { name: 'dead-letters/deliveries' },
      { name: 'isolated/agent' },
    ])
  })
})

test('every model of Prisma fits its table', async ({ createServer, database }) => {
  const { rest } = await createServer({ agents: [agent] })
  const { body } = await rest.post('conversations', {})
  await rest.events(`runs/${await rest.create('agent', { conversation_id: body['id'] })}/events`)
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.url }) })
  const models = [
    prisma.conversation,
    prisma.branch,
    prisma.run,
    prisma.message,
    prisma.event,
    prisma.checkpoint,
    prisma.step,
    prisma.wait,
    prisma.familyNews,
    prisma.sentMessage,
    prisma.anonymousSession,
    prisma.sweep,
    prisma.outbox,
    prisma.queueEpoch,
    prisma.installation,
    prisma.signingKey,
    prisma.file,
    prisma.runFile,
    prisma.fileChunk,
    prisma.schedule,
    prisma.memory,
    prisma.webhook,
    prisma.webhookEndpoint,
    prisma.webhookDelivery,
  ] as { findMany(): Promise<object[]> }[]
  const rows = await Promise.all(models.map((model) => model.findMany())).finally(() => prisma.$disconnect())
  expect(rows.map((found) => found.length)).toEqual([
    1, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  ])
  const tables = await database.sql(
    `SELECT tablename FROM pg_tables WHERE schemaname = 'agent_runtime' AND tablename <> '_prisma_migrations'`,
  )
  expect(tables).toHaveLength(models.length)
})
