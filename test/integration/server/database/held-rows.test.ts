// Rows that another transaction locks, longer than the runtime ever does.
import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'

test('leases of a worker’s other runs are renewed, and the held one is not given up', async ({
  createServer,
  database,
}) => {
  const held = createHeldAgent()
  const { rest } = await createServer({ agents: [held.agent], config: { leaseTtlSeconds: 10 } })
  const ids = [await rest.create('held'), await rest.create('held')]
  await Promise.all([held.attempt(0), held.attempt(1)])
  const leases = () =>
    database.sql<{ id: string; until: Date }>(
      `SELECT id, lease_expires_at AS until FROM agent_runtime.run ORDER BY id`,
    )
  const [before] = await leases()
  const holder = await database.connect()
  await holder.query('BEGIN')
  await holder.query(`SELECT FROM agent_runtime.run WHERE id = $1 FOR UPDATE`, [ids[1]])
  await expect.poll(async () => (await leases())[0]?.until, { timeout: 8_000 }).not.toEqual(before?.until)
  await holder.query('ROLLBACK')
  held.release()
  for (const id of ids) await rest.events(`runs/${id}/events`)
  for (const id of ids) {
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'succeeded', attempt: 1 })
  }
})

test('upkeep goes on where a conversation whose turn it is to give is held', async ({
  createServer,
  database,
}) => {
  const agent = defineAgent({ key: 'agent', run: async () => {} })
  const { rest } = await createServer({ agents: [agent], worker: false })
  const { body } = await rest.post('conversations', {})
  const waiting = await rest.create('agent', { conversation_id: body['id'] })
  const holder = await database.connect()
  await holder.query('BEGIN')
  await holder.query(`SELECT FROM agent_runtime.conversation WHERE id = $1 FOR UPDATE`, [body['id']])
  await database.sql(
    `UPDATE agent_runtime.run SET turn = nextval('agent_runtime.run_turn_seq') WHERE id = $1`,
    [waiting],
  )
  const expiresAt = new Date(Date.now() + 1_500).toISOString()
  const expiring = await rest.create('agent', { expires_at: expiresAt })
  const statusOf = async (id: string) => (await rest.get(`runs/${id}`)).body['status']
  await expect.poll(() => statusOf(expiring), { timeout: 6_000 }).toBe('timed_out')
  await holder.query('ROLLBACK')
  const turns = () => database.sql(`SELECT FROM agent_runtime.run WHERE turn IS NOT NULL`)
  await expect.poll(turns, { timeout: 5_000 }).toEqual([])
  await rest.post(`runs/${waiting}/cancel`)
})
