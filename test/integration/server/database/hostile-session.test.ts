// A database and a URL whose session settings are as bad for the runtime as possible.
import { describe, expect, inject } from 'vitest'
import pg from 'pg'
import { z } from 'zod'
import { migrateDatabase } from '../../../../server/postgres/migrations/migrate.ts'
import { defineAgent } from '../../../../server/index.ts'
import { createTestDatabase } from '../../../support/database.ts'
import { databaseOf, makeHostile } from '../../../support/hostile-session.ts'
import { startPgBouncer, withoutPgBouncer } from '../../../support/pgbouncer.ts'
import { test } from '../../../support/runtime.ts'
import type { TestServer } from '../../../support/runtime.ts'

const MINUTE_MS = 60_000
const RUN_AT = '2999-01-01T00:00:00.000Z'

const agent = defineAgent({
  key: 'agent',
  events: { said: { schema: z.string() } },
  async run(ctx) {
    await ctx.emit('said', 'dürüm 🥙 \\n')
    const result = await ctx.step('step', () => ({ ratio: 0.1 + 0.2 }))
    await ctx.checkpoint({ at: 'the end' })
    const { value: answer } = await ctx.wait('question', z.string())
    return { output: { result, answer } }
  },
})

/** What callers and tables show of a run that uses many features. */
async function liveThrough(
  { rest }: Pick<TestServer, 'rest'>,
  sql: (text: string) => Promise<pg.QueryResultRow[]>,
): Promise<void> {
  const before = Date.now()
  const conversation = (await rest.post('conversations', { title: 'O’Neill \\ 🥙' })).body
  const id = await rest.create('agent', { conversation_id: conversation['id'] })
  const stream = await rest.stream(`runs/${id}/events?include_all=1`)
  await stream.until('run.waiting')
  expect((await rest.get(`runs/${id}`)).body['waits']).toMatchObject([{ name: 'question' }])
  await rest.post(`runs/${id}/respond`, { wait: 'question', value: 'yes' })
  const events = await rest.events(`runs/${id}/events?include_all=1`)
  expect(events.map(({ type }) => type)).toContain('run.succeeded')
  expect(events.find(({ type }) => type === 'said')).toMatchObject({ payload: 'dürüm 🥙 \\n' })
  for (const { ts } of events) expect(Math.abs(Date.parse(String(ts)) - before)).toBeLessThan(MINUTE_MS)
  const run = (await rest.get(`runs/${id}`)).body
  expect(run).toMatchObject({
    status: 'succeeded',
    output: { final_output: { result: { ratio: 0.1 + 0.2 }, answer: 'yes' } },
  })
  const later = await rest.create('agent', { run_at: RUN_AT })
  expect((await rest.get(`runs/${later}`)).body).toMatchObject({ status: 'queued', run_at: RUN_AT })

  const times = [conversation['created_at'], run['created_at'], run['started_at'], run['finished_at']]
  for (const time of times) expect(Math.abs(Date.parse(String(time)) - before)).toBeLessThan(MINUTE_MS)
  const listed = (await rest.get('conversations')).body['results'] as Record<string, unknown>[]
  expect(listed).toMatchObject([{ title: 'O’Neill \\ 🥙', created_at: conversation['created_at'] }])
  // The stored data, in one fixed form.
  const [stored] = await sql(
    `SELECT (SELECT extract(epoch FROM created_at) * 1000 FROM agent_runtime.conversation)::float8 AS conversation,
       (SELECT extract(epoch FROM run_at) * 1000 FROM agent_runtime.run WHERE id = '${later}')::float8 AS run_at`,
  )
  expect(stored).toEqual({
    conversation: Date.parse(String(conversation['created_at'])),
    run_at: Date.parse(RUN_AT),
  })
  await rest.post(`runs/${later}/cancel`)
}

describe('a database that sets each session against the runtime', () => {
  test('is read and written as any other', async ({ createServer, database }) => {
    await makeHostile(database.sql, databaseOf(database.url))
    await liveThrough(await createServer({ agents: [agent] }), database.sql)
  })

  test.skipIf(withoutPgBouncer)('so it is behind a pooler', async ({ createServer, database }) => {
    await makeHostile(database.sql, databaseOf(database.url), { isPatient: true })
    await using pooler = await startPgBouncer(database.url)
    const config = {
      databaseUrl: pooler.url,
      preparedStatements: false,
      queuePollIntervalSeconds: 0.1,
      streamPollIntervalSeconds: 0.1,
    }
    const server = await createServer({ agents: [agent], config })
    await liveThrough(server, database.sql)
    await server.runtime.stop()
  })

  test('is migrated as any other, whatever the URL says of its sessions', async ({ database }) => {
    const tables = `SELECT table_schema, table_name, column_name, data_type, column_default FROM information_schema.columns
      WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'observed') ORDER BY 1, 2, 3`
    await using empty = await createTestDatabase({ ...inject('postgres'), template: 'template0' })
    const admin = new pg.Client({ connectionString: empty.url, application_name: 'test' })
    await admin.connect()
    await makeHostile((text) => admin.query(text), databaseOf(empty.url))
    const url = new URL(empty.url)
    url.searchParams.set('options', '-c search_path=public -c statement_timeout=1')
    expect(await migrateDatabase(url.href)).toContainEqual(expect.stringContaining('initial'))
    expect(await migrateDatabase(url.href)).toEqual([])
    expect((await admin.query(tables)).rows).toEqual(await database.sql(tables))
    await admin.end()
  })
})
