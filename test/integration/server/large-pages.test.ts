import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createPrismaStore } from '../../../server/adapters/prisma-store/index.ts'
import { defineAgent } from '../../../server/index.ts'
import { createTestPool } from '../../support/pool.ts'
import { test } from '../../support/runtime.ts'

const EVENTS = 12
const hoarder = defineAgent({
  key: 'hoarder',
  events: { pile: { schema: z.string() } },
  async run(ctx) {
    for (let n = 0; n < EVENTS; n += 1) await ctx.emit('pile', 'x'.repeat(3 * 1024 * 1024))
  },
})

describe('large events', () => {
  test('are read a few at a time, and all of them, live and after the end', async ({
    createServer,
    database,
  }) => {
    const { rest, trpc } = await createServer({ agents: [hoarder] })
    const runId = await rest.create('hoarder')
    const live = await trpc.events({ runId, includeAll: true })
    const pool = createTestPool(database.url)
    const page = await createPrismaStore({ pool, visibilityOf: () => 'user' }).readEvents(runId, 1, 250)
    await pool.end()
    expect(page.length).toBeGreaterThan(0)
    expect(page.length).toBeLessThan(EVENTS)
    const replayed = await trpc.events({ runId, includeAll: true })
    for (const events of [live, replayed]) {
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: EVENTS + 2 }, (_, n) => n + 1))
    }
  })

  test('are listed a few at a time, and each page leads to the next', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [hoarder] })
    const runId = await rest.create('hoarder')
    await rest.events(`runs/${runId}/events`)
    const sizes: number[] = []
    const seqs: number[] = []
    let path: string | null = `/api/agents/runs/${runId}/events?include_all=true`
    while (path !== null) {
      const { body } = await rest.get(path, { headers: { accept: 'application/json' } })
      const results = body['results'] as { seq: number }[]
      sizes.push(results.length)
      seqs.push(...results.map(({ seq }) => seq))
      const next = body['next'] as string | null
      path = next === null ? null : new URL(next).pathname + new URL(next).search
    }
    expect(sizes.length).toBeGreaterThan(2)
    expect(seqs).toEqual(Array.from({ length: EVENTS + 2 }, (_, n) => n + 1))
  })
})
