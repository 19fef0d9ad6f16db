import { describe, expect, vi } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })

describe('when every connection of the pool is taken', () => {
  test('requests are answered with 503, and as ever once there is one again', async ({
    createServer,
    database,
  }) => {
    const config = { databasePoolSize: 3, databaseConnectTimeoutSeconds: 0.2 }
    const { rest, trpc, log } = await createServer({ agents: [agent], config, worker: false })
    const id = await rest.create('agent')
    const blocker = await database.connect()
    await blocker.query('BEGIN')
    await blocker.query('LOCK TABLE agent_runtime.run IN ACCESS EXCLUSIVE MODE')
    const blocked = [rest.get(`runs/${id}`), rest.get('runs')]
    await vi.waitFor(async () => {
      const waiting = await database.sql(
        `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      )
      // Two requests, and the regular looks of every process.
      expect(waiting).toHaveLength(3)
    })

    const unavailable = { status: 503, body: { code: 'unavailable' } }
    // Over Prisma, over our own SQL, and in a transaction.
    expect(await rest.get('conversations')).toMatchObject(unavailable)
    expect(await rest.get(`runs/${id}/events`)).toMatchObject(unavailable)
    expect(await rest.post('runs', { agent_key: 'agent' })).toMatchObject(unavailable)
    await expect(trpc.client.runs.get.query({ runId: id })).rejects.toMatchObject({
      data: { httpStatus: 503 },
    })
    for (const [path, init] of [
      ['conversations', {}],
      [`/trpc/runs.get?input=${encodeURIComponent(JSON.stringify({ runId: id }))}`, {}],
      [
        '/trpc/conversations.create',
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
      ],
    ] as [string, RequestInit][]) {
      const response = await rest.send(path, init)
      expect([path, response.status, response.headers.get('retry-after')]).toEqual([path, 503, '1'])
      await response.body?.cancel()
    }
    expect(log.filter(({ message }) => message === 'a request failed')).toEqual([])

    await blocker.query('ROLLBACK')
    for (const answer of await Promise.all(blocked)) expect(answer.status).toBe(200)
    expect((await rest.get(`runs/${id}`)).status).toBe(200)
  })
})
