import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })

/** PostgreSQL's codes of temporary errors: a full disk, held locks, a write where it is not possible. */
const CODES = ['53100', '53200', '53400', '55P03', '57014', '25006']

test('what PostgreSQL can’t do right now is answered with 503 and when to try again', async ({
  createServer,
  database,
}) => {
  const { rest, trpc } = await createServer({ agents: [agent], worker: false })
  const id = await rest.create('agent')
  for (const code of CODES) {
    await database.sql(`CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '${code}'; END $$`)
    for (const table of ['run', 'conversation']) {
      await database.sql(`CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON agent_runtime.${table}
        FOR EACH ROW EXECUTE FUNCTION refuse()`)
    }
    for (const answer of [
      await rest.post('runs', { agent_key: 'agent' }),
      await rest.post(`runs/${id}/cancel`),
      await rest.post('conversations', {}),
    ]) {
      expect([code, answer.status, answer.headers.get('retry-after'), answer.body['code']]).toEqual([
        code,
        503,
        '1',
        'unavailable',
      ])
      expect(answer.body['error']).not.toContain('extend')
    }
    await expect(trpc.client.conversations.create.mutate({})).rejects.toMatchObject({
      data: { httpStatus: 503, error: { code: 'unavailable' } },
    })
    for (const table of ['run', 'conversation'])
      await database.sql(`DROP TRIGGER refuse ON agent_runtime.${table}`)
  }
  expect(await rest.post(`runs/${id}/cancel`)).toMatchObject({ status: 200 })
})
