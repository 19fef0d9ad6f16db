// Events of all runs of a worker share a statement. A bad event of one run must not harm the others.
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'

/** Emits and returns what it is told to. */
const teller = defineAgent({
  key: 'teller',
  params: z.object({ emits: z.string().default('good'), ends: z.string().default('good') }),
  events: { told: { schema: z.object({ text: z.string() }), visibility: 'user' } },
  async run(ctx) {
    for (let i = 0; i < 5; i += 1) await ctx.emit('told', { text: ctx.params.emits })
    return { messages: [{ role: 'assistant', content: ctx.params.ends }] }
  },
})

const REFUSE = `
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE 'not this' USING ERRCODE = 'untranslatable_character'; END $$`
const refuseIn = (table: string, column: string) => `
  CREATE TRIGGER refuse BEFORE INSERT ON agent_runtime.${table}
  FOR EACH ROW WHEN (NEW.${column}::text LIKE '%evil%') EXECUTE FUNCTION refuse()`

describe('the runs of a worker', () => {
  test.for([
    { what: 'one emits', table: 'event', column: 'payload', params: { emits: 'evil' } },
    { what: 'one ends with', table: 'message', column: 'body', params: { ends: 'evil' } },
  ])(
    'what the database refuses of what $what fails that one alone, and once',
    async (at, { createServer, database }) => {
      const { rest, log } = await createServer({ agents: [teller], config: { maxAttempts: 3 } })
      await database.sql(REFUSE)
      await database.sql(refuseIn(at.table, at.column))
      const ids = await Promise.all([
        ...Array.from({ length: 8 }, () => rest.create('teller')),
        rest.create('teller', { params: at.params }),
      ])
      for (const id of ids) await rest.events(`runs/${id}/events`)
      const runs = await Promise.all(ids.map(async (id) => (await rest.get(`runs/${id}`)).body))
      const evil = runs.pop()
      expect(runs.map(({ status, attempt }) => [status, attempt])).toEqual(runs.map(() => ['succeeded', 1]))
      expect(evil).toMatchObject({
        status: 'failed',
        attempt: 1,
        error: { type: 'validation_failed', message: expect.stringContaining('not this') as string },
      })
      const told = log.filter(({ message }) => message.startsWith("a run's events can't be stored"))
      expect(told.map(({ fields }) => fields['runId'])).toEqual([ids.at(-1)])
    },
  )

  test('one whose row somebody holds waits alone, and goes on when it is let go', async ({
    createServer,
    database,
  }) => {
    const held = createHeldAgent()
    const { rest } = await createServer({ agents: [held.agent] })
    const ids = await Promise.all(Array.from({ length: 6 }, () => rest.create('held')))
    await Promise.all(ids.map((_, index) => held.attempt(index)))
    const holder = await database.connect()
    await holder.query('BEGIN')
    await holder.query('SELECT FROM agent_runtime.run WHERE id = $1 FOR UPDATE', [ids[0]])
    held.release()
    for (const id of ids.slice(1)) await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${String(ids[0])}`)).body['status']).toBe('running')
    await holder.query('ROLLBACK')
    await rest.events(`runs/${String(ids[0])}/events`)
    for (const id of ids) {
      expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'succeeded', attempt: 1 })
    }
  })
})
