import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, textOf } from '../../../../server/index.ts'
import type { AnyAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { WITHIN, ALL } from './scene.ts'

const billing = defineAgent({
  key: 'billing',
  params: z.object({ urgent: z.boolean().default(false) }),
  async run(ctx) {
    const { handoff = null } = ctx.metadata
    const said = ctx.messages.map((message) => textOf(message))
    return { output: { said, handoff, urgent: ctx.params.urgent } }
  },
})

test('an agent hands its conversation on: the next run is another’s, with the history, before what was asked meanwhile', async ({
  createServer,
  database,
}) => {
  const begun = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const front = defineAgent({
    key: 'front',
    maxAttempts: 2,
    async run(ctx) {
      begun.resolve()
      await go.promise
      await ctx.handOff(billing, { params: { urgent: true } })
      if (ctx.attempt === 1) throw new Error('It dies after it has handed on.')
      return { messages: [{ role: 'assistant', content: 'I hand you on.' }] }
    },
  })
  const agents = [front, billing]
  const { rest } = await createServer({ agents })
  await createServer({ agents })
  const { body } = await rest.post('conversations', {})
  const place = { conversation_id: body['id'] }
  const ask = (content: string) => ({ ...place, messages: [{ role: 'user', content }] })
  const first = await rest.create('front', ask('My bill?'))
  await begun.promise
  const later = await rest.create('billing', ask('And then?'))
  go.resolve()
  await rest.events(`runs/${later}/${ALL}`)
  const runs = await database.sql<{ id: string; agent_key: string; output: unknown }>(
    'SELECT id, agent_key, output FROM agent_runtime.run ORDER BY COALESCE(rank, ordinal)',
  )
  expect(runs).toMatchObject([
    { id: first, agent_key: 'front' },
    {
      agent_key: 'billing',
      output: {
        said: ['My bill?', 'I hand you on.'],
        handoff: { runId: first, agentKey: 'front', depth: 1 },
        urgent: true,
      },
    },
    { id: later, output: { said: ['My bill?', 'I hand you on.', 'And then?'], handoff: null } },
  ])
})

test('is refused in no conversation, and when it goes on and on', async ({ createServer, database }) => {
  const endless = defineAgent({
    key: 'endless',
    async run(ctx) {
      await ctx.handOff(endless as AnyAgent)
    },
  })
  const { rest } = await createServer({ agents: [endless], config: { maxRunDepth: 2 } })
  const alone = await rest.create('endless')
  expect((await rest.events(`runs/${alone}/events`)).at(-1)).toMatchObject({
    type: 'run.failed',
    code: 'conflict',
  })
  const id = await rest.create('endless', { conversation: 'new' })
  expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.succeeded')
  const statuses = () =>
    database.sql('SELECT status FROM agent_runtime.run WHERE conversation_id IS NOT NULL ORDER BY id')
  await expect
    .poll(statuses, WITHIN)
    .toEqual([{ status: 'succeeded' }, { status: 'succeeded' }, { status: 'failed' }])
  const key = `handoff/${id}/endless/1`
  expect((await rest.post('runs', { agent_key: 'endless', messages: [], idempotency_key: key })).status).toBe(
    400,
  )
})
