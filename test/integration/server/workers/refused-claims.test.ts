// Runs of all callers are claimed together. One that cannot be started must not harm the others.
import { randomBytes } from 'node:crypto'
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { brokenWhenQuiet } from '../../../support/check-invariants.ts'
import { refuseClaims } from '../../../support/refuse-claims.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({
  key: 'agent',
  run: async (ctx) => {
    if (ctx.metadata['sleeps'] === true) await ctx.sleep(1)
  },
})

describe('a run that the database refuses to start', () => {
  test('fails alone, and those claimed with it start at once', async ({ createServer, database }) => {
    const { rest, runtime, log } = await createServer({
      agents: [agent],
      worker: false,
      config: { queuePollIntervalSeconds: 0.1 },
    })
    await refuseClaims(database.sql)
    const conversationId = (await rest.post('conversations', {})).body['id']
    const create = (body: Record<string, unknown>) => rest.create('agent', body)
    const evil = [
      await create({ metadata: { evil: 1 } }),
      await create({ metadata: { evil: 1 }, conversation_id: conversationId }),
      // Refused once its wait is over.
      await create({ metadata: { evil: 2, sleeps: true } }),
    ]
    const good = [
      await create({ conversation_id: conversationId }),
      ...(await Promise.all(Array.from({ length: 12 }, () => create({})))),
    ]
    const followed = evil.map((id) => rest.events(`runs/${id}/events`))
    await runtime.startWorker()
    for (const events of await Promise.all(followed)) {
      expect(events.at(-1)).toMatchObject({ type: 'run.failed' })
    }
    await Promise.all(good.map((id) => rest.events(`runs/${id}/events`)))
    for (const id of good) {
      expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'succeeded', attempt: 1 })
    }
    for (const id of evil) {
      expect((await rest.get(`runs/${id}`)).body).toMatchObject({
        status: 'failed',
        error: { type: 'start_refused', message: expect.not.stringContaining('evil') as string },
      })
    }
    const told = log.filter(({ message }) => message === 'the database refused to start a run')
    expect(told.map(({ fields }) => fields['runId'])).toEqual(expect.arrayContaining(evil))
    expect(told).toHaveLength(evil.length)
    expect(await brokenWhenQuiet({ query: async (text) => ({ rows: await database.sql(text) }) })).toEqual({})
  })
})

/** A table stores large values in pieces in another table. All pieces are lost, as on a failing disk. */
async function losePieces(
  database: { sql: (text: string) => Promise<object[]> },
  table: string,
): Promise<void> {
  await database.sql('CREATE EXTENSION pg_surgery')
  await database.sql(`
    DO $$
    DECLARE pieces regclass := (SELECT reltoastrelid FROM pg_class WHERE oid = '${table}'::regclass);
    BEGIN
      EXECUTE format('SELECT heap_force_kill(%L, array_agg(ctid)) FROM %s', pieces, pieces);
    END $$`)
}

describe('a run of which the database has lost a part', () => {
  test.for([
    { table: 'message', input: (text: string) => ({ messages: [{ role: 'user', content: text }] }) },
    { table: 'run', input: (text: string) => ({ params: { text } }) },
  ])(
    'in its table of $table fails alone, and those claimed with it start at once',
    async ({ table, input }, { createServer, database }) => {
      const { rest, runtime } = await createServer({ agents: [agent], worker: false })
      const broken = await rest.create('agent', input(randomBytes(30_000).toString('base64')))
      await losePieces(database, `agent_runtime.${table}`)
      const sound = await Promise.all(Array.from({ length: 5 }, () => rest.create('agent', {})))
      await runtime.startWorker()
      for (const id of sound) {
        await rest.events(`runs/${id}/events`)
        expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'succeeded', attempt: 1 })
      }
      const events = await rest.events(`runs/${broken}/events`)
      expect(events.at(-1)).toMatchObject({ type: 'run.failed', payload: { code: 'start_refused' } })
    },
  )
})
