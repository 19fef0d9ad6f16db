import { v7 as uuidv7 } from 'uuid'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createTestStore } from '../../../support/store.ts'
import type { Store } from '../../../../server/ports/store/store.ts'
import { defineAgent } from '../../../../server/index.ts'
import { createTestPool } from '../../../support/pool.ts'
import { test as base } from '../../../support/runtime.ts'
import { storeSpokenRuns } from './spoken-runs.ts'

const DAY_MS = 86_400_000
const AGE_MS = 30 * DAY_MS

const test = base.extend<{ store: Store }>({
  store: async ({ database }, use) => {
    const pool = createTestPool(database.url)
    await use(createTestStore(pool))
    await database.release()
    await pool.end()
  },
})

const busy = defineAgent({
  key: 'busy',
  params: z.object({ asks: z.boolean().default(false) }),
  async run(ctx) {
    await ctx.checkpoint({ at: 'begin' })
    await ctx.step('work', () => 'done')
    if (ctx.params.asks) await ctx.wait('leave', z.boolean())
    await ctx.emitMessage('Done.')
    return { output: 'done', messages: [{ role: 'assistant', content: 'Done.' }] }
  },
})

const TABLES = ['run', 'message', 'event', 'checkpoint', 'step', 'wait']

type Sql = (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>

/** How many rows of each table belong to a run, in the order of {@link TABLES}. */
async function rowsOf(sql: Sql, runId: string): Promise<number[]> {
  const counts = TABLES.map(
    (table) =>
      `(SELECT count(*)::int FROM agent_runtime.${table} WHERE ${table === 'run' ? 'id' : 'run_id'} = $1)`,
  )
  const [row] = await sql(`SELECT ${counts.map((count, index) => `${count} AS c${index}`).join(', ')}`, [
    runId,
  ])
  return Object.values(row ?? {}).map(Number)
}

async function age(sql: Sql, runIds: readonly string[], days = 40): Promise<void> {
  await sql(
    `UPDATE agent_runtime.run SET created_at = created_at - $2 * interval '1 day',
       started_at = started_at - $2 * interval '1 day', finished_at = finished_at - $2 * interval '1 day'
     WHERE id = ANY ($1::uuid[])`,
    [runIds, days],
  )
}

/** An id as if it was made this long ago. */
const idOf = (daysAgo: number) => uuidv7({ msecs: Date.now() - daysAgo * DAY_MS })

async function addConversation(sql: Sql, daysAgo: number): Promise<string> {
  const id = idOf(daysAgo)
  const insert = `INSERT INTO agent_runtime.conversation (id, owner_id, owner_kind) VALUES ($1, 'public', 'public')`
  await sql(insert, [id])
  return id
}

const conversationsOf = async (sql: Sql) =>
  (await sql('SELECT id FROM agent_runtime.conversation ORDER BY id')).map(({ id }) => id)

describe('retention', () => {
  test('deletes old runs with all that is theirs, and nothing else', async ({ createServer, database }) => {
    const { rest } = await createServer({ agents: [busy] })
    const { sql } = database
    const [gone, kept] = [await addConversation(sql, 50), await addConversation(sql, 50)]
    const create = async (conversation: string | undefined, asks = false) => {
      const id = await rest.create('busy', {
        params: { asks },
        messages: [{ role: 'user', content: 'Work.' }],
        ...(conversation === undefined ? {} : { conversation_id: conversation }),
      })
      await (
        await rest.stream(`runs/${id}/events?include_all=1`)
      ).until(asks ? 'run.waiting' : 'run.succeeded')
      return id
    }
    const old = [await create(gone), await create(kept), await create(undefined)]
    const waited = await create(gone, true)
    await rest.post(`runs/${waited}/respond`, { wait: 'leave', value: true })
    await rest.events(`runs/${waited}/events`)
    old.push(waited)
    const young = await create(kept)
    const waiting = await create(undefined, true)
    await age(sql, [...old, waiting])
    const before = [await rowsOf(sql, young), await rowsOf(sql, waiting)]
    expect(await rowsOf(sql, waited)).not.toContain(0)

    const config = { retentionDays: 30, compactAfterSeconds: false as const }
    const others = [1, 2, 3].map(() => createServer({ agents: [busy], worker: false, config }))
    await Promise.all((await Promise.all(others)).map(({ runtime }) => runtime.start()))
    await expect.poll(() => sql('SELECT id FROM agent_runtime.run')).toHaveLength(2)
    for (const id of old) {
      expect(await rowsOf(sql, id)).toEqual([0, 0, 0, 0, 0, 0])
      expect(await rest.get(`runs/${id}`)).toMatchObject({ status: 404 })
      expect(await rest.get(`runs/${id}/events`)).toMatchObject({ status: 404 })
    }
    expect([await rowsOf(sql, young), await rowsOf(sql, waiting)]).toEqual(before)
    expect(await conversationsOf(sql)).toEqual([kept])
    expect((await rest.get(`conversations/${kept}`)).body).toMatchObject({ total_messages: 2 })

    await rest.post(`runs/${waiting}/respond`, { wait: 'leave', value: true })
    await rest.events(`runs/${waiting}/events`)
    expect(await rest.get(`runs/${waiting}`)).toMatchObject({ body: { status: 'succeeded' } })
  })

  test('is off unless it is asked for', async ({ createServer, database }) => {
    const id = uuidv7()
    const said = (seq: number, type: string, payload: Record<string, string>) =>
      ({
        runId: id,
        seq,
        attempt: 1,
        type,
        visibility: 'user',
        payload,
        ts: '2016-01-01T00:00:00.000Z',
      }) as const
    const delta = { messageId: 'm', content: 'a' }
    const events = [
      said(1, 'run.started', { agentKey: 'a' }),
      said(2, 'assistant.delta', delta),
      said(3, 'assistant.message', delta),
      said(4, 'run.succeeded', { output: 'a' }),
    ]
    await storeSpokenRuns(
      database.sql,
      [{ id, status: 'succeeded', attempts: 1, events }],
      Date.now() - 3_650 * DAY_MS,
    )
    await (await createServer({ agents: [busy], worker: false })).runtime.start()
    // Due runs are deleted before others are compacted.
    await expect.poll(() => rowsOf(database.sql, id)).toEqual([1, 0, 3, 0, 0, 0])
  })

  test('takes conversations that never had a run when they are old enough', async ({ store, database }) => {
    await addConversation(database.sql, 50)
    const withRun = await addConversation(database.sql, 45)
    const young = await addConversation(database.sql, 20)
    const runId = uuidv7()
    await storeSpokenRuns(database.sql, [ended(runId)], Date.now() - DAY_MS)
    await database.sql('UPDATE agent_runtime.run SET conversation_id = $1', [withRun])
    expect(await store.deleteEmptyConversations(AGE_MS)).toEqual({ rows: 1, isDone: false })
    expect(await store.deleteEmptyConversations(AGE_MS)).toEqual({ rows: 0, isDone: true })
    expect(await conversationsOf(database.sql)).toEqual([withRun, young])
    await age(database.sql, [runId])
    await store.deleteRuns(AGE_MS)
    expect(await conversationsOf(database.sql)).toEqual([young])
  })

  test('keeps everything younger than the longest possible setting', async ({ store, database }) => {
    const conversation = await addConversation(database.sql, 50)
    expect(await store.deleteEmptyConversations(36_500 * DAY_MS)).toEqual({ rows: 0, isDone: true })
    expect(await conversationsOf(database.sql)).toEqual([conversation])
  })

  test('leaves a conversation in which a run is being created', async ({ store, database }) => {
    const conversation = await addConversation(database.sql, 50)
    await storeSpokenRuns(database.sql, [ended(uuidv7())], Date.now() - 40 * DAY_MS)
    await database.sql('UPDATE agent_runtime.run SET conversation_id = $1', [conversation])
    const creator = await database.connect()
    await creator.query('BEGIN')
    await creator.query('SELECT FROM agent_runtime.conversation FOR NO KEY UPDATE')
    const deleting = store.deleteRuns(AGE_MS)
    await expect
      .poll(() =>
        database.sql(
          `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        ),
      )
      .toHaveLength(1)
    const created = { ...ended(uuidv7()) }
    await storeSpokenRuns((text, values) => creator.query(text, values), [created], Date.now())
    await creator.query('UPDATE agent_runtime.run SET conversation_id = $1 WHERE id = $2', [
      conversation,
      created.id,
    ])
    await creator.query('COMMIT')
    expect(await deleting).toEqual({ rows: 1, isDone: false })
    expect(await conversationsOf(database.sql)).toEqual([conversation])
    expect(await rowsOf(database.sql, created.id)).toEqual([1, 0, 2, 0, 0, 0])
  })

  test('leaves everything as it was when it breaks off', async ({ store, database }) => {
    const runs = Array.from({ length: 20 }, () => ended(uuidv7()))
    await storeSpokenRuns(database.sql, runs, Date.now() - 40 * DAY_MS)
    await database.sql(`
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
      CREATE TRIGGER die AFTER DELETE ON agent_runtime.run EXECUTE FUNCTION die()`)
    await expect(store.deleteRuns(AGE_MS)).rejects.toThrow(/terminat/)
    await database.sql('DROP TRIGGER die ON agent_runtime.run')
    for (const { id } of runs) expect(await rowsOf(database.sql, id)).toEqual([1, 0, 2, 0, 0, 0])
    expect(await store.deleteRuns(AGE_MS)).toEqual({ rows: 20, isDone: false })
  })
})

function ended(id: string): Parameters<typeof storeSpokenRuns>[1][number] {
  const event = { runId: id, attempt: 1, visibility: 'user', ts: '2026-01-01T00:00:00.000Z' } as const
  return {
    id,
    status: 'succeeded',
    attempts: 1,
    events: [
      { ...event, seq: 1, type: 'run.started', payload: { agentKey: 'a' } },
      { ...event, seq: 2, type: 'run.succeeded', payload: { output: 'a' } },
    ],
  }
}

test('a batch may take longer than any other statement', async ({ createServer, database }) => {
  const { rest } = await createServer({ agents: [busy] })
  const id = await rest.create('busy')
  await rest.events(`runs/${id}/events`)
  await age(database.sql, [id])
  await database.sql(`
    CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
    CREATE TRIGGER slow AFTER DELETE ON agent_runtime.run EXECUTE FUNCTION public.slow()`)
  const pool = createTestPool(database.url, { statement_timeout: 1_000 })
  const store = createTestStore(pool)
  expect(await store.deleteRuns(AGE_MS).finally(() => pool.end())).toMatchObject({ rows: 1 })
  expect(await rowsOf(database.sql, id)).toEqual([0, 0, 0, 0, 0, 0])
})
