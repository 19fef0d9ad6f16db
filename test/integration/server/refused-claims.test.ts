// Runs are claimed together, whoever they are of: one that can't be started keeps none of the others from it.
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../server/index.ts'
import { brokenWhenQuiet } from '../../support/check-invariants.ts'
import { test } from '../../support/runtime.ts'

const agent = defineAgent({
  key: 'agent',
  run: async (ctx) => {
    if (ctx.metadata['sleeps'] === true) await ctx.sleep(1)
  },
})

const REFUSE = [
  `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN RAISE 'no evil in here' USING ERRCODE = 'data_exception'; END $$`,
  `CREATE TRIGGER refuse BEFORE UPDATE ON agent_runtime.run FOR EACH ROW
   WHEN (NEW.status = 'running' AND NEW.attempt = COALESCE((NEW.metadata ->> 'evil')::int, 0)) EXECUTE FUNCTION refuse()`,
]

describe('a run that the database refuses to start', () => {
  test('fails alone, and those claimed with it start at once', async ({ createServer, database }) => {
    const { rest, runtime, log } = await createServer({
      agents: [agent],
      worker: false,
      config: { queuePollIntervalSeconds: 0.1 },
    })
    for (const statement of REFUSE) await database.sql(statement)
    const conversationId = (await rest.post('conversations', {})).body['id']
    const create = (body: Record<string, unknown>) => rest.create('agent', body)
    const evil = [
      await create({ metadata: { evil: 1 } }),
      await create({ metadata: { evil: 1 }, conversation_id: conversationId }),
      // Refused when its wait is over.
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
        error: { code: 'start_refused', message: expect.not.stringContaining('evil') as string },
      })
    }
    const told = log.filter(({ message }) => message === 'the database refused to start a run')
    expect(told.map(({ fields }) => fields['runId'])).toEqual(expect.arrayContaining(evil))
    expect(told).toHaveLength(evil.length)
    expect(await brokenWhenQuiet({ query: async (text) => ({ rows: await database.sql(text) }) })).toEqual({})
  })
})
