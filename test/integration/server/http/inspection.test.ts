// How a run was executed, for people who must find out why it behaves as it does.
import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { RunInspection } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

async function inspect(rest: RestClient, runId: string) {
  const { status, body } = await rest.get(`runs/${runId}/inspection/`)
  expect(status).toBe(200)
  return body
}

test('a run that waits tells its steps, waits, checkpoint and children', async ({ createServer }) => {
  const child = defineAgent({ key: 'child', run: async () => ({ output: 'done' }) })
  const agent = defineAgent({
    key: 'agent',
    version: '7',
    async run(ctx) {
      await ctx.checkpoint({ page: 3 })
      await ctx.step('charge', () => ({ receipt: 42 }))
      await ctx.step('nothing', () => {})
      await ctx.startAgent(child)
      const city = await ctx.wait('city', z.string(), { timeoutMs: 3_600_000 })
      return { output: city.status === 'answered' ? city.value : null }
    },
  })
  const { rest, trpc, runtime } = await createServer({ agents: [agent, child] })
  const id = await rest.create('agent')
  const stream = await rest.stream(`runs/${id}/events`)
  await stream.until('run.waiting')
  await stream.close()

  const inspection = await inspect(rest, id)
  expect(inspection).toEqual({
    run: {
      id,
      owner: { id: 'public', tenant_id: '', kind: 'public' },
      agent_key: 'agent',
      status: 'waiting',
      conversation_id: null,
    },
    execution: {
      attempt: 1,
      max_attempts: 1,
      worker: null,
      lease_expires_at: null,
      attempt_started_at: TIME,
      failures: 0,
      losses: 0,
      held_by: null,
      run_at: TIME,
      agent_version: '7',
      traceparent: null,
    },
    steps: expect.anything(),
    waits: [
      expect.objectContaining({ name: 'agent:child', kind: 'child' }),
      {
        name: 'city',
        occurrence: 1,
        kind: 'input',
        status: 'pending',
        created_at: TIME,
        expires_at: TIME,
        settled_at: null,
        used_at: null,
        responded_by: null,
      },
    ],
    checkpoint: { attempt: 1, updated_at: TIME, bytes: expect.any(Number), state: { page: 3 } },
    children: [{ id: expect.any(String), agent_key: 'child', status: expect.any(String), detached: true }],
    has_more: false,
  })
  expect(inspection['steps']).toMatchObject([
    {
      name: 'charge',
      occurrence: 1,
      attempt: 1,
      started_at: TIME,
      completed_at: TIME,
      result: { receipt: 42 },
    },
    { name: 'nothing', bytes: 0, result: null },
  ])

  const typed: RunInspection = await trpc.client.runs.inspect.query({ runId: id })
  expect(typed).toMatchObject({
    run: { agentKey: 'agent' },
    execution: { agentVersion: '7' },
    hasMore: false,
  })
  expect(typed.steps.map(({ result }) => result)).toEqual([{ receipt: 42 }, null])

  await rest.post(`runs/${id}/respond`, { wait: 'city', value: 'Lisboa' })
  await rest.events(`runs/${id}/events`)
  const principal = { id: typed.run.owner.id, tenantId: typed.run.owner.tenantId, kind: typed.run.owner.kind }
  const over = await runtime.runs.inspect(principal, id)
  expect(over).toMatchObject({ run: { status: 'succeeded' }, execution: { worker: null } })
  expect(over.waits.slice(1)).toMatchObject([
    { status: 'answered', settledAt: TIME, usedAt: TIME, respondedBy: principal.id },
  ])
})

test('a run that is executed names its worker, a queued one what holds it', async ({ createServer }) => {
  const held = createHeldAgent()
  const { rest } = await createServer({ agents: [held.agent] })
  const { body: conversation } = await rest.post('conversations', {})
  const inConversation = { conversation_id: conversation['id'] }
  const id = await rest.create('held', inConversation)
  await held.attempt(0)
  expect(await inspect(rest, id)).toMatchObject({
    run: { status: 'running' },
    execution: { attempt: 1, worker: expect.any(String), lease_expires_at: TIME },
  })
  const next = await rest.create('held', inConversation)
  const later = await rest.create('held', { run_at: new Date(Date.now() + 3_600_000).toISOString() })
  expect(await inspect(rest, next)).toMatchObject({
    execution: { attempt: 0, held_by: 'turn', worker: null },
  })
  expect(await inspect(rest, later)).toMatchObject({
    run: { status: 'queued' },
    execution: { held_by: 'time', run_at: TIME },
  })
  held.release()
})

test('of large results the last fit, and of many steps the last are told', async ({ createServer }) => {
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      for (let n = 0; n < 6; n += 1) await ctx.step('large', () => randomBytes(70_000).toString('base64'))
      // It is stored small and sent large.
      await ctx.step('zeros', () => '0'.repeat(3_000_000))
      await Promise.all(Array.from({ length: 1_000 }, (_, n) => ctx.step('small', () => n)))
      await ctx.step('last', () => 'last')
      return { output: null }
    },
  })
  const { rest, trpc } = await createServer({ agents: [agent] })
  const id = await rest.create('agent')
  await rest.events(`runs/${id}/events`)
  const { steps, hasMore } = await trpc.client.runs.inspect.query({ runId: id })
  expect({ steps: steps.length, hasMore }).toEqual({ steps: 1_000, hasMore: true })
  expect(steps.at(-1)).toMatchObject({ name: 'last', result: 'last' })
  expect(JSON.stringify(steps).length).toBeLessThan(1_500_000)

  const few = defineAgent({
    key: 'few',
    async run(ctx) {
      for (let n = 0; n < 6; n += 1) await ctx.step('large', () => randomBytes(70_000).toString('base64'))
      await ctx.step('zeros', () => '0'.repeat(3_000_000))
      await ctx.step('last', () => 'last')
      return { output: null }
    },
  })
  const other = await createServer({ agents: [few] })
  const second = await other.rest.create('few')
  await other.rest.events(`runs/${second}/events`)
  const inspected = await other.trpc.client.runs.inspect.query({ runId: second })
  expect(inspected.hasMore).toBe(false)
  expect(inspected.steps.map(({ name, result }) => [name, result !== null])).toEqual([
    ['large', false],
    ['large', false],
    ['large', false],
    ['large', false],
    ['large', true],
    ['large', true],
    ['zeros', false],
    ['last', true],
  ])
})

test('many results that are small as they are stored are not told beyond 1 MB', async ({ createServer }) => {
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      for (let n = 0; n < 10; n += 1) await ctx.step('zeros', () => '0'.repeat(300_000))
      return { output: null }
    },
  })
  const { rest, trpc } = await createServer({ agents: [agent] })
  const id = await rest.create('agent')
  await rest.events(`runs/${id}/events`)
  const { steps } = await trpc.client.runs.inspect.query({ runId: id })
  expect(steps.map(({ result }) => result !== null)).toEqual([...Array(7).fill(false), true, true, true])
})

test('a run that nobody may see, and an invalid id, are refused', async ({ createServer }) => {
  const { rest } = await createServer({ agents: [] })
  expect((await rest.get(`runs/00000000-0000-7000-8000-000000000000/inspection/`)).status).toBe(404)
  expect((await rest.get('runs/1/inspection/')).status).toBe(400)
})
