// Agents with schemas of zod/mini, which has functions in place of zod's methods.
import { expect } from 'vitest'
import * as z from 'zod/mini'
import { defineAgent, defineTool } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const double = defineTool({
  name: 'double',
  description: 'Doubles a number',
  input: z.object({ number: z.number() }),
  output: z.object({ number: z.number() }),
  execute: ({ number }) => ({ number: number * 2 }),
})

const agent = defineAgent({
  key: 'mini',
  params: z.object({ number: z._default(z.number(), 1) }),
  output: z.object({ number: z.number() }),
  events: { halfway: { schema: z.object({ number: z.number() }) } },
  waits: { more: z.object({ number: z.number() }) },
  async run(ctx) {
    const { number } = ctx.params
    await ctx.emit('halfway', { number })
    const { value } = await ctx.wait('more')
    return { output: { number: number + value.number } }
  },
})

test('its schemas check params, waits and outputs', async ({ createServer }) => {
  expect(double.name).toBe('double')
  const { rest } = await createServer({ agents: [agent] })
  const refused = await rest.post('runs', { agent_key: 'mini', messages: [], params: { number: 'two' } })
  expect([refused.status, refused.body['details']]).toEqual([
    400,
    [expect.objectContaining({ path: 'params.number' })],
  ])
  const id = await rest.create('mini', { params: { number: 2 } })
  await expect.poll(async () => (await rest.get(`runs/${id}`)).body['status']).toBe('waiting')
  expect((await rest.post(`runs/${id}/respond`, { wait: 'more', value: {} })).status).toBe(400)
  await rest.post(`runs/${id}/respond`, { wait: 'more', value: { number: 3 } })
  await expect
    .poll(async () => (await rest.get(`runs/${id}`)).body['output'])
    .toMatchObject({ final_output: { number: 5 } })
})
