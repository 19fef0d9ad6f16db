import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { outputOf } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const config = { queuePollIntervalSeconds: 0.05 }
const soon = (ms: number) => new Date(Date.now() + ms).toISOString()

describe('a run', () => {
  test('starts no sooner than it is to', async ({ createServer }) => {
    const agent = defineAgent({ key: 'agent', run: async () => ({ output: Date.now() }) })
    const { rest } = await createServer({ agents: [agent], config })
    const runAt = soon(500)
    const [later, now] = [await rest.create('agent', { run_at: runAt }), await rest.create('agent')]
    expect((await rest.get(`runs/${later}`)).body).toMatchObject({ status: 'queued', run_at: runAt })
    for (const id of [now, later]) await rest.events(`runs/${id}/events`)
    const startedAt = async (id: string) => Number(outputOf((await rest.get(`runs/${id}`)).body))
    expect(await startedAt(later)).toBeGreaterThanOrEqual(Date.parse(runAt))
  })

  test('that was not started in time times out, with or without a worker', async ({ createServer }) => {
    const agent = defineAgent({ key: 'agent', run: async () => {} })
    const { rest } = await createServer({ agents: [agent], worker: false })
    const id = await rest.create('agent', { expires_at: soon(100) })
    const events = await rest.events(`runs/${id}/events`)
    expect(events).toMatchObject([
      { seq: 1, type: 'run.timed_out', error: expect.stringContaining('expired') as string },
    ])
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'timed_out',
      error: { type: 'expired' },
      started_at: null,
    })
  })

  test('with a higher priority starts before others', async ({ createServer }) => {
    const order: string[] = []
    const agent = defineAgent({
      key: 'agent',
      run: async (ctx) => void order.push(ctx.metadata['name'] as string),
    })
    const { rest, runtime } = await createServer({ agents: [agent], worker: false })
    const named = (name: string, priority: number) => rest.create('agent', { metadata: { name }, priority })
    const ids = [await named('low', -5), await named('default', 0), await named('high', 5)]
    await runtime.startWorker({ concurrency: 1 })
    for (const id of ids) await rest.events(`runs/${id}/events`)
    expect(order).toEqual(['high', 'default', 'low'])
  })

  test.for([
    { run_at: 'tomorrow' },
    { run_at: '2030-01-01T00:00:00' },
    { expires_at: '+275760-01-01T00:00:00Z' },
    { priority: 1.5 },
    { priority: 1_000 },
    { conversation_policy: 'never' },
  ])('refuses %o', async (more, { createServer }) => {
    const agent = defineAgent({ key: 'agent', run: async () => {} })
    const { rest } = await createServer({ agents: [agent], worker: false })
    expect(await rest.post('runs', { agent_key: 'agent', ...more })).toMatchObject({
      status: 400,
      body: { code: 'validation_failed' },
    })
  })
})
