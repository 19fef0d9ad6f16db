// What happens to memories about visitors who do not come back.
import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { TestServer } from '../../../support/runtime.ts'

const ADA = { id: 'ada', tenantId: '', kind: 'user' } as const

const keeper = defineAgent({
  key: 'keeper',
  async run(ctx) {
    for (const key of ['city', 'pet']) await ctx.memory('notes').set(key, 'noted')
    return { output: 'kept' }
  },
})
const options = { agents: [keeper], anonymousSessions: true }

/** The token of a visitor about whom there is a memory. */
async function meet(server: TestServer): Promise<string> {
  const { token } = await server.runtime.sessions.create()
  const { rest } = server.as({ 'x-anonymous-token': token })
  const events = await rest.events(`runs/${await rest.create('keeper')}/events`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
  return token
}

test('what is remembered of a visitor goes as long after the session as runs are kept', async ({
  createServer,
  database: { sql },
}) => {
  const first = await createServer(options)
  await first.runtime.sessions.claim(ADA, await meet(first))
  for (let visitor = 0; visitor < 3; visitor += 1) await meet(first)
  // For the claimed one and for the three others.
  await sql(`
    UPDATE agent_runtime.anonymous_session s SET expires_at = now() - o.days * interval '1 day'
    FROM (
      SELECT id, (ARRAY[31, 31, 29, -1])[row_number() OVER (ORDER BY id)] AS days FROM agent_runtime.anonymous_session
    ) o
    WHERE s.id = o.id`)
  const keptOf = async () =>
    (await sql<{ kind: string }>('SELECT owner_kind AS kind FROM agent_runtime.memory ORDER BY 1')).map(
      ({ kind }) => kind,
    )
  expect(await keptOf()).toHaveLength(8)
  await first.runtime.stop()

  // Every process looks when it starts.
  await createServer({ ...options, config: { retentionDays: 30 } })
  const isSwept = async () => (await sql('SELECT FROM agent_runtime.anonymous_session')).length
  await expect.poll(isSwept).toBe(2)
  expect(await keptOf()).toEqual(['anonymous', 'anonymous', 'anonymous', 'anonymous', 'user', 'user'])
})

test('without a time that runs are kept, it stays when the session goes', async ({
  createServer,
  database: { sql },
}) => {
  const first = await createServer(options)
  await meet(first)
  await sql(`UPDATE agent_runtime.anonymous_session SET expires_at = now() - interval '31 days'`)
  await first.runtime.stop()
  await createServer(options)
  const isSwept = async () => (await sql('SELECT FROM agent_runtime.anonymous_session')).length
  await expect.poll(isSwept).toBe(0)
  expect(await sql('SELECT FROM agent_runtime.memory')).toHaveLength(2)
})
