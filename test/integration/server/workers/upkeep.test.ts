import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const quick = defineAgent({ key: 'quick', run: async () => {} })

/** Runs that upkeep must end on its own; no worker has their agent. */
const late = defineAgent({ key: 'late', run: async () => {} })

async function expectToExpire(rest: RestClient): Promise<void> {
  const id = await rest.create('late', { expires_at: new Date(Date.now() + 500).toISOString() })
  await expect.poll(async () => (await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'timed_out' })
}

test('what is to be done is done in time though thousands of runs wait for their turn', async ({
  createServer,
  database,
}) => {
  const held = createHeldAgent()
  const { rest } = await createServer({ agents: [held.agent, late], worker: { agentKeys: ['held'] } })
  const { body: conversation } = await rest.post('conversations', {})
  const holder = await rest.create('held', { conversation_id: conversation['id'] })
  await held.attempt(0)
  // The statements are planned now, on an almost empty table.
  await expectToExpire(rest)
  // Their ids come before the run that has the turn.
  await database.sql(
    `INSERT INTO agent_runtime.run (id, owner_id, owner_kind, agent_key, conversation_id, turn, max_attempts, timeout_ms)
     SELECT lpad(number::text, 32, '0')::uuid, owner_id, owner_kind, agent_key, conversation_id,
       nextval('agent_runtime.run_turn_seq'), 1, 1000
     FROM agent_runtime.run, generate_series(1, 20000) AS number WHERE id = $1`,
    [holder],
  )
  await expectToExpire(rest)
  await database.sql('DELETE FROM agent_runtime.run WHERE turn IS NOT NULL')
  held.release()
  await rest.events(`runs/${holder}/events`)
})

test('a conversation that somebody holds keeps upkeep from nothing else', async ({
  createServer,
  database,
}) => {
  const { rest } = await createServer({ agents: [quick, late], worker: { agentKeys: ['quick'] } })
  const { body: conversation } = await rest.post('conversations', {})
  const inIt = { conversation_id: conversation['id'] }
  const first = await rest.create('late', inIt)
  const second = await rest.create('quick', inIt)
  const other = await database.connect()
  await other.query('BEGIN')
  await other.query('SELECT FROM agent_runtime.conversation WHERE id = $1 FOR UPDATE', [conversation['id']])
  // The state that a process leaves if it commits an ending and nothing more.
  await database.sql(
    `WITH r AS (
       UPDATE agent_runtime.run SET status = 'cancelled', finished_at = now(), last_seq = 1 WHERE id = $1)
     INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
     VALUES ($1, 1, 0, 'run.cancelled', 'user', '{}', now())`,
    [first],
  )
  for (let round = 0; round < 3; round += 1) await expectToExpire(rest)
  await other.query('COMMIT')
  await rest.events(`runs/${second}/events`)
})
