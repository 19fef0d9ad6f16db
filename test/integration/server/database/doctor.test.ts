import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { DEAD_LETTER_QUEUE } from '../../../../server/postgres/queue/dead-letters.ts'
import { deliverAgain, examineDatabase } from '../../../../server/postgres/examination/examine.ts'
import { diagnose } from '../../../../server/domain/doctor/diagnose.ts'
import type { Finding } from '../../../../server/domain/doctor/finding.ts'
import { defineAgent } from '../../../../server/index.ts'
import type { Store } from '../../../../server/ports/store/store.ts'
import { claim, createTestStore } from '../../../support/store.ts'
import { createTestDatabase } from '../../../support/database.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { createTestPool } from '../../../support/pool.ts'
import { startLossyPooler } from '../../../support/lossy-pooler.ts'
import { newRun } from '../../../support/new-run.ts'
import { test } from '../../../support/runtime.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

const log = createSilentLogger()
const echo = defineAgent({ key: 'a', run: async () => ({ output: 'done' }) })
const nowhere = async () => {}

/** The reported problems. */
async function problemsOf(databaseUrl: string): Promise<Finding[]> {
  const now = Date.now()
  const findings = diagnose(await examineDatabase({ databaseUrl, log, now }), now)
  return findings.filter(({ level }) => level === 'problem')
}

async function findingOf(databaseUrl: string, check: string): Promise<Finding | undefined> {
  const now = Date.now()
  return diagnose(await examineDatabase({ databaseUrl, log, now }), now).find(
    (finding) => finding.check === check,
  )
}

/** Only the store: no process repairs what a test breaks. */
async function withStore(databaseUrl: string, use: (store: Store) => Promise<void>): Promise<void> {
  const pool = createTestPool(databaseUrl, { max: 2 })
  const store = createTestStore(pool, 'internal')
  await use(store)
  await store.close()
  await pool.end()
}

/** A run that a missing worker has claimed. */
async function createHeldRun(store: Store, { leaseMs = 60_000, workerId = 'gone' } = {}): Promise<string> {
  const run = newRun()
  await store.createRuns([run])
  await claim(store, [run.id], { workerId, ttlMs: leaseMs })
  return run.id
}

describe('the database', () => {
  test('that does not answer', async () => {
    expect(await problemsOf('postgresql://u:p@127.0.0.1:1/app')).toEqual([
      {
        check: 'database',
        level: 'problem',
        found: 'No PostgreSQL answers at 127.0.0.1:1/app. Start it, or correct DATABASE_URL.',
      },
    ])
  })

  test('that is empty, then migrated in part, then by a newer version', async () => {
    await using database = await createTestDatabase()
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const problems = async (statement: string) => {
      await client.query(statement)
      return (await problemsOf(database.url)).map(({ check, found }) => `${check}: ${found}`)
    }
    const newest = `(SELECT max(migration_name) FROM agent_runtime._prisma_migrations)`
    expect(await problems('UPDATE agent_runtime_queue.version SET version = version - 1')).toEqual([
      expect.stringMatching(/^queue-version: .* at version 45; the installed pg-boss needs 46\.$/),
    ])
    expect(await problems('UPDATE agent_runtime_queue.version SET version = version + 2')).toEqual([
      expect.stringMatching(/^queue-version: .* newer than the 46 of the installed pg-boss\.$/),
    ])
    await client.query('UPDATE agent_runtime_queue.version SET version = version - 1')
    expect(
      await problems(
        `UPDATE agent_runtime._prisma_migrations SET migration_name = '99990101000000_later' WHERE migration_name = ${newest}`,
      ),
    ).toEqual(['migrations: 1 migration of this version is not applied.'])
    expect(
      await problems('DROP SCHEMA agent_runtime CASCADE; DROP SCHEMA agent_runtime_queue CASCADE'),
    ).toEqual([
      expect.stringMatching(/^migrations: \d+ migrations of this version are not applied\.$/),
      expect.stringMatching(/^queue-version: The queue has no tables; /),
    ])
    await client.end()
  })

  test('behind a pooler that loses notifications', async ({ database }) => {
    await using pooler = await startLossyPooler(database.url)
    expect(await problemsOf(database.url)).toEqual([])
    expect(await problemsOf(pooler.url)).toMatchObject([{ check: 'notifications' }])
  })
})

test('one in which all is well, with runs that wait for others of their tenant to end', async ({
  createServer,
  database,
}) => {
  const held = createHeldAgent()
  const { rest } = await createServer({
    agents: [held.agent],
    authenticate: () => ({ id: 'ada', tenantId: 'acme', kind: 'user' }),
    config: { tenantRunsAtOnce: 1 },
  })
  for (let count = 0; count < 3; count += 1) await rest.create('held')
  await held.attempt(0)
  expect(await problemsOf(database.url)).toEqual([])
  expect((await findingOf(database.url, 'runs-parked'))?.found).toMatch(/^2 runs of 1 tenant wait for others/)
  held.release()
})

test('one in which all is well, with a worker that executes runs', async ({ createServer, database }) => {
  const held = createHeldAgent()
  const asking = defineAgent({
    key: 'asking',
    schedules: [{ name: 'new-year', cron: '0 0 1 1 *', timeZone: 'Asia/Tokyo' }],
    run: async (ctx) => void (await ctx.wait('answer', z.string())),
  })
  const { rest } = await createServer({ agents: [held.agent, asking] })
  await rest.create('held')
  await held.attempt(0)
  const asked = await rest.create('asking')
  await (await rest.stream(`runs/${asked}/events`)).until('run.waiting')
  expect(await problemsOf(database.url)).toEqual([])
  expect(await findingOf(database.url, 'workers')).toMatchObject({
    found: '1 worker is there, 1 of them with runs.',
    items: [expect.stringMatching(/executes 1 run$/)],
  })
  expect((await findingOf(database.url, 'runs-waiting'))?.found).toMatch(/^1 run waits for an answer/)
  expect((await findingOf(database.url, 'schedules'))?.items).toEqual([
    expect.stringMatching(/^asking new-year \(0 0 1 1 \*, Asia\/Tokyo\): next \d{4}-12-31T15:00:00.000Z$/),
  ])
  expect((await findingOf(database.url, 'sizes'))?.found).toMatch(/^The oldest event is of 20/)
  held.release()
})

describe('runs', () => {
  test('that nobody takes, for minutes or for days', async ({ createServer, database }) => {
    const other = defineAgent({ key: 'dropped', run: nowhere })
    const { rest, runtime } = await createServer({ agents: [echo, other], worker: false })
    await rest.create('a')
    for (const _run of [1, 2]) await rest.create('dropped')
    await rest.create('a', { run_at: '2999-01-01T00:00:00Z' })
    await runtime.stop()
    expect((await problemsOf(database.url)).map(({ check }) => check)).toEqual(['workers'])

    await age(database, '10 minutes', 'a')
    await age(database, '2 days', 'dropped')
    expect(await problemsOf(database.url)).toMatchObject([
      { check: 'workers', found: 'No worker is there, and 4 runs are queued or running.' },
      {
        check: 'runs-overdue',
        items: [
          expect.stringMatching(/^dropped: 2 runs, .*: probably no deployment knows this agent$/),
          expect.stringMatching(/^a: 1 run, the first due since [^ ]+$/),
        ],
      },
    ])
  })

  test('whose worker is gone', async ({ database }) => {
    await withStore(database.url, async (store) => {
      const expired = await createHeldRun(store, { leaseMs: -60_000 })
      const abandoned = await createHeldRun(store)
      expect(await problemsOf(database.url)).toMatchObject([
        { check: 'workers' },
        { check: 'runs-lease-expired', items: [expect.stringContaining(expired)] },
        { check: 'runs-abandoned', items: [expect.stringContaining(`${abandoned} of a, since 20`)] },
      ])
    })
  })

  test('that keep losing their workers', async ({ database }) => {
    await withStore(database.url, async (store) => {
      // Each alone, so that the loss counts as its own.
      for (let made = 0; made < 12; made += 1) {
        await createHeldRun(store, { leaseMs: -60_000, workerId: `gone ${made}` })
      }
      await store.recoverRuns([])
      const [problem, ...others] = await problemsOf(database.url)
      expect(others).toEqual([])
      expect(problem).toMatchObject({
        check: 'runs-worker-lost',
        found: '12 runs failed in the last day because the workers executing them died each time.',
        more: 2,
      })
      expect(problem?.items).toHaveLength(10)
      await database.sql(`UPDATE agent_runtime.run SET finished_at = finished_at - interval '2 days',
        created_at = created_at - interval '3 days'`)
      expect(await problemsOf(database.url)).toEqual([])
    })
  })

  test('that lost their workers together, of which one may be why', async ({ createServer, database }) => {
    const held = createHeldAgent({ key: 'a' })
    const { rest } = await createServer({ agents: [held.agent], config: { leaseTtlSeconds: 120 } })
    const ids = [await rest.create('a'), await rest.create('a')]
    for (const lost of [0, 2]) {
      await held.attempt(lost + 1)
      expect(await findingOf(database.url, 'runs-suspect')).toMatchObject({ level: 'ok' })
      await database.sql(`UPDATE agent_runtime.run SET lease_expires_at = now() - interval '1 second'`)
    }
    await held.attempt(5)
    expect(await findingOf(database.url, 'runs-suspect')).toMatchObject({
      level: 'problem',
      found: '2 runs have lost their workers together with others, again and again.',
      items: expect.arrayContaining(ids.map((id) => expect.stringContaining(`${id} of a`))) as unknown,
    })
    held.release()
    for (const id of ids) await rest.events(`runs/${id}/events`)
  })

  test('that go on though they were cancelled', async ({ database }) => {
    await withStore(database.url, async (store) => {
      const id = await createHeldRun(store)
      await store.requestCancel({ id: 'owner', tenantId: '', kind: 'user' }, id)
      const checks = async () => (await problemsOf(database.url)).map(({ check }) => check)
      expect(await checks()).not.toContain('runs-cancel-pending')
      await database.sql(
        `UPDATE agent_runtime.run SET cancel_requested_at = cancel_requested_at - interval '2 minutes'`,
      )
      expect(await checks()).toContain('runs-cancel-pending')
    })
  })

  test('of a queue in Redis that nobody sends there, or that are there', async ({
    createServer,
    database,
  }) => {
    // Without a Redis, the deliveries stay in the outbox.
    const config = { queueBackend: 'redis', redisUrl: 'redis://127.0.0.1:1' } as const
    const { rest, runtime } = await createServer({ agents: [echo], config, worker: false })
    const id = await rest.create('a')
    await runtime.stop()
    expect(await findingOf(database.url, 'runs-unsent')).toMatchObject({ level: 'ok' })
    await database.sql(`UPDATE agent_runtime.outbox SET send_at = send_at - interval '1 minute'`)
    expect(await findingOf(database.url, 'runs-unsent')).toMatchObject({
      level: 'problem',
      items: [expect.stringContaining(id)],
    })
    // As if Redis had them.
    await database.sql(`INSERT INTO agent_runtime.queue_epoch VALUES ('a', 'server/key')`)
    await database.sql('DELETE FROM agent_runtime.outbox')
    expect(await findingOf(database.url, 'runs-undelivered')).toMatchObject({ level: 'ok' })
    expect(await deliverAgain(database.url, log)).toEqual({ runs: 0, queues: 1 })
    await database.sql(`UPDATE agent_runtime.run SET created_at = created_at - interval '1 hour'`)
    expect(await findingOf(database.url, 'runs-overdue')).toMatchObject({ level: 'problem' })
  })

  test('that nothing in the queue leads to are delivered again', async ({ createServer, database }) => {
    const { rest, runtime } = await createServer({ agents: [echo], worker: false })
    const id = await rest.create('a')
    const later = await rest.create('a', { run_at: '2999-01-01T00:00:00Z' })
    const delivered = await rest.create('a')
    await database.sql(`DELETE FROM agent_runtime_queue.job WHERE data ->> 'runId' = ANY ($1)`, [[id, later]])
    expect(await findingOf(database.url, 'runs-undelivered')).toMatchObject({
      level: 'problem',
      items: [expect.stringContaining(id), expect.stringContaining(later)],
      more: 0,
    })

    expect(await deliverAgain(database.url, log)).toEqual({ runs: 2, queues: 0 })
    expect(await deliverAgain(database.url, log)).toEqual({ runs: 0, queues: 0 })
    expect(await findingOf(database.url, 'runs-undelivered')).toMatchObject({ level: 'ok' })
    await runtime.startWorker()
    for (const run of [id, delivered]) {
      expect((await rest.events(`runs/${run}/events?include_all=1`)).at(-1)?.type).toBe('run.succeeded')
    }
    expect((await rest.get(`runs/${later}`)).body).toMatchObject({ status: 'queued', started_at: null })
  })
})

test('dead letters', async ({ createServer, database }) => {
  const { runtime } = await createServer({ agents: [echo], worker: false })
  await runtime.start()
  const letters = [{ queue: 'a', reason: 'runId: missing', payload: {} }, 'not even that']
  for (const letter of letters) {
    await database.sql(`INSERT INTO agent_runtime_queue.job (id, name, data) VALUES ($1, $2, $3)`, [
      randomUUID(),
      DEAD_LETTER_QUEUE,
      JSON.stringify(letter),
    ])
  }
  expect(await problemsOf(database.url)).toMatchObject([
    {
      check: 'dead-letters',
      found: 'There are 2 dead letters.',
      items: [
        expect.stringContaining('an unknown queue: no reason given'),
        expect.stringContaining('a: runId: missing'),
      ],
    },
  ])
})

/** Sets the clock back for the due runs of an agent. */
async function age(
  { sql }: { sql(text: string, values: unknown[]): Promise<unknown> },
  by: string,
  agentKey: string,
): Promise<void> {
  await sql(
    `UPDATE agent_runtime.run SET created_at = created_at - $1::interval WHERE agent_key = $2 AND run_at IS NULL`,
    [by, agentKey],
  )
  await sql(
    `UPDATE agent_runtime_queue.job SET start_after = start_after - $1::interval
     WHERE name = $2 AND start_after <= now()`,
    [by, agentKey],
  )
}
