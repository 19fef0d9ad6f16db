import { randomBytes } from 'node:crypto'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createTestStore } from '../../../support/store.ts'
import { defineAgent } from '../../../../server/index.ts'
import { createTestPool } from '../../../support/pool.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

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
    const page = await createTestStore(pool).readEvents(runId, 1, 250)
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

describe('large runs and conversations', () => {
  const ROWS = 9
  // One is stored as it is, and one is compressed to almost nothing.
  const large = (n: number) => (n % 2 === 0 ? randomBytes(150_000).toString('base64') : 'x'.repeat(300_000))
  const MAX_ANSWER = 1024 * 1024 + 325_000
  const agent = defineAgent({ key: 'agent', run: async () => {} })
  const config = { maxBodyBytes: 8 * 1024 * 1024 }

  /** All pages from this one on. Each has more than one event, and little more than a megabyte. */
  async function walk(rest: RestClient, from: string, link: 'next' | 'previous') {
    const pages: string[][] = []
    for (let path: string | null = from; path !== null;) {
      const { body } = await rest.get(path)
      expect(JSON.stringify(body).length).toBeLessThan(MAX_ANSWER)
      expect(body['count']).toBe(ROWS)
      pages.push((body['results'] as { id: string }[]).map(({ id }) => id))
      const next = body[link] as string | null
      path = next === null ? null : new URL(next).pathname + new URL(next).search
    }
    return pages
  }

  test.for(['runs', 'conversations'] as const)(
    '%s: each page leads to the next, there and back',
    async (what, { createServer }) => {
      const { rest } = await createServer({ agents: [agent], worker: false, config })
      const ids: string[] = []
      for (let n = 0; n < ROWS; n += 1) {
        const { body } = await rest.post(what, { agent_key: 'agent', metadata: { large: large(n) } })
        ids.unshift(String(body['id']))
      }
      const pages = await walk(rest, `/api/agents/${what}?agent_key=agent`, 'next')
      expect(pages.flat()).toEqual(ids)
      expect(pages.length).toBeLessThan(ROWS)
      const back = await walk(rest, `/api/agents/${what}?cursor=after.${String(ids.at(-1))}`, 'previous')
      expect(back.toReversed().flat()).toEqual(ids.slice(0, -1))
      // A small page is unchanged.
      expect((await rest.get(`${what}?limit=2`)).body['results']).toMatchObject([
        { id: ids[0] },
        { id: ids[1] },
      ])
    },
  )

  test('messages: a window has the newest that fit, and says that there are more', async ({
    createServer,
  }) => {
    const { rest } = await createServer({ agents: [agent], worker: false, config })
    const { body } = await rest.post('conversations', {})
    for (let n = 0; n < ROWS; n += 1) {
      await rest.create('agent', {
        conversation_id: body['id'],
        messages: [{ role: 'user', content: `${n} ${large(n)}` }],
      })
    }
    const read: string[] = []
    for (let hasMore = true; hasMore;) {
      const page = await rest.get(`conversations/${String(body['id'])}?offset=${read.length}`)
      expect(JSON.stringify(page.body).length).toBeLessThan(MAX_ANSWER)
      expect(page.body['total_messages']).toBe(ROWS)
      read.unshift(
        ...(page.body['messages'] as { content: string }[]).map(({ content }) => content.slice(0, 1)),
      )
      hasMore = page.body['has_more'] === true
    }
    expect(read.join('')).toBe('012345678')
  })
})
