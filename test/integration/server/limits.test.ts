import { describe, expect } from 'vitest'
import { defineAgent } from '../../../server/index.ts'
import type { Principal } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => {} })
const stubborn = defineAgent({
  key: 'stubborn',
  maxAttempts: 100,
  timeoutMs: 7 * 86_400_000,
  run: async () => {},
})
const authenticate = ({ headers }: Request): Principal => ({
  id: 'ada',
  tenantId: '',
  kind: headers.has('x-anonymous') ? 'anonymous' : 'user',
  claims: { plan: headers.get('x-plan') },
})
const options = { agents: [agent, stubborn] as const, worker: false, authenticate }
const DAY = 86_400_000

describe('what a caller may ask of a run', () => {
  test('has limits, which are not those of its agent', async ({ createServer, database }) => {
    const { rest, trpc } = await createServer(options)
    for (const [body, status] of [
      [{ max_attempts: 10 }, 201],
      [{ max_attempts: 11 }, 400],
      [{ timeout_ms: DAY }, 201],
      [{ timeout_ms: DAY + 1 }, 400],
      [{ priority: 100 }, 201],
      [{ agent_key: 'stubborn' }, 201],
      [{ agent_key: 'stubborn', max_attempts: 100, timeout_ms: 7 * DAY }, 201],
      [{ agent_key: 'stubborn', timeout_ms: 7 * DAY + 1 }, 400],
    ] as const) {
      const answer = await rest.post('runs', { agent_key: 'agent', ...body })
      expect([body, answer.status]).toEqual([body, status])
      if (status === 400) expect(answer.body).toMatchObject({ code: 'validation_failed', details: [{}] })
    }
    await expect(
      trpc.client.runs.create.mutate({ agentKey: 'agent', maxAttempts: 11 }),
    ).rejects.toMatchObject({
      data: { error: { code: 'validation_failed', details: [{ path: 'maxAttempts' }] } },
    })
    expect(
      await database.sql(`SELECT max_attempts FROM agent_runtime.run WHERE agent_key = 'stubborn'`),
    ).toEqual([{ max_attempts: 100 }, { max_attempts: 100 }])
  })

  test('is no place before others for anonymous callers', async ({ createServer }) => {
    const { as } = await createServer(options)
    const { rest } = as({ 'x-anonymous': '1' })
    for (const [priority, status] of [
      [-100, 201],
      [0, 201],
      [1, 400],
    ] as const) {
      expect([priority, (await rest.post('runs', { agent_key: 'agent', priority })).status]).toEqual([
        priority,
        status,
      ])
    }
  })

  test('is the application’s to say, by who asks', async ({ createServer }) => {
    const { runtime, as } = await createServer({
      ...options,
      limits: ({ claims }) =>
        claims?.['plan'] === 'pro'
          ? { maxAttempts: 50, timeoutMs: 20 * DAY }
          : { maxAttempts: 1, timeoutMs: 1_000_000, priority: -50 },
    })
    const bodies = [{ max_attempts: 50 }, { max_attempts: 3 }, { timeout_ms: 20 * DAY }, { priority: 1 }]
    const statuses = (plan: string) =>
      Promise.all(
        bodies.map(
          async (body) =>
            (await as({ 'x-plan': plan }).rest.post('runs', { agent_key: 'agent', ...body })).status,
        ),
      )
    expect(await statuses('pro')).toEqual([201, 201, 201, 201])
    // What a run has by itself may be asked for: the test server's runs have one attempt.
    expect(await statuses('free')).toEqual([400, 400, 400, 400])
    const create = (plan: string) =>
      runtime.runs.create(
        { id: 'ada', tenantId: '', kind: 'user', claims: { plan } },
        { agentKey: 'agent', maxAttempts: 50 },
      )
    await expect(create('free')).rejects.toMatchObject({ code: 'validation_failed' })
    expect(await create('pro')).toMatchObject({ created: true })
  })
})
