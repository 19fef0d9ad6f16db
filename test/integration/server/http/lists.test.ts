import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const echo = defineAgent({ key: 'echo', run: async () => {} })
const other = defineAgent({ key: 'other', run: async () => {} })
const options = { agents: [echo, other], worker: false } as const

interface RestPage {
  results: { id: string }[]
  next: string | null
  previous: string | null
  count: number
}

async function page(rest: RestClient, link: string): Promise<RestPage> {
  const { status, body } = await rest.get(
    link.startsWith('http') ? link.slice(new URL(link).origin.length) : link,
  )
  expect(status).toBe(200)
  return body as unknown as RestPage
}

/** All pages from this one on, by the links in one direction. */
async function walk(rest: RestClient, first: string, direction: 'next' | 'previous'): Promise<RestPage[]> {
  const pages = [await page(rest, first)]
  for (let link = pages.at(-1)?.[direction]; typeof link === 'string'; link = pages.at(-1)?.[direction]) {
    pages.push(await page(rest, link))
  }
  return pages
}

const ids = (pages: readonly RestPage[]) => pages.flatMap(({ results }) => results.map(({ id }) => id))

describe('lists', () => {
  test.for([
    { limit: 1, total: 7 },
    { limit: 2, total: 7 },
    { limit: 3, total: 6 },
    { limit: 7, total: 7 },
    { limit: 50, total: 7 },
  ])(
    'of $total in pages of $limit lead there and back over REST',
    async ({ limit, total }, { createServer }) => {
      const { rest } = await createServer(options)
      for (const path of ['runs', 'conversations']) {
        const newestFirst: string[] = []
        for (let i = 0; i < total; i += 1) {
          const { body } = await rest.post(path, { agent_key: 'echo' })
          newestFirst.unshift(String(body['id']))
        }
        const there = await walk(rest, `${path}?limit=${limit}`, 'next')
        expect(ids(there)).toEqual(newestFirst)
        expect(there).toHaveLength(Math.ceil(total / limit))
        expect(there.map(({ count }) => count)).toEqual(there.map(() => total))
        expect(there[0]?.previous).toBeNull()
        const lastLink = there.at(-2)?.next ?? `${path}?limit=${limit}`
        const back = await walk(rest, lastLink, 'previous')
        expect(ids(back.toReversed())).toEqual(newestFirst)
      }
    },
  )

  test('are the same over tRPC', async ({ createServer }) => {
    const { rest, trpc } = await createServer(options)
    for (let i = 0; i < 5; i += 1) await rest.create('echo')
    const all = (await trpc.client.runs.list.query({})).items.map(({ id }) => id)
    const first = await trpc.client.runs.list.query({ limit: 2 })
    const second = await trpc.client.runs.list.query({ limit: 2, cursor: first.nextCursor ?? '' })
    const third = await trpc.client.runs.list.query({ limit: 2, cursor: second.nextCursor ?? '' })
    expect([first, second, third].flatMap(({ items }) => items.map(({ id }) => id))).toEqual(all)
    expect([first.previousCursor, third.nextCursor]).toEqual([null, null])
    const back = await trpc.client.runs.list.query({ limit: 2, cursor: third.previousCursor ?? '' })
    expect(back.items.map(({ id }) => id)).toEqual(second.items.map(({ id }) => id))
  })

  test('keep their place when something new comes', async ({ createServer }) => {
    const { rest } = await createServer(options)
    const created: string[] = []
    for (let i = 0; i < 4; i += 1) created.unshift(await rest.create('echo'))
    const first = await page(rest, 'runs?limit=2')
    const newer = await rest.create('echo')
    const second = await page(rest, first.next ?? '')
    expect(ids([first, second])).toEqual(created)
    expect(ids([await page(rest, second.previous ?? '')])).toEqual(created.slice(0, 2))
    const before = await page(rest, second.previous ?? '')
    expect(ids([await page(rest, before.previous ?? '')])).toEqual([newer])
  })

  test('contain only what was asked for', async ({ createServer }) => {
    const { rest, trpc } = await createServer(options)
    const conversation = await trpc.client.conversations.create.mutate({ agentKey: 'other' })
    const mine = await rest.create('echo')
    const talk = await rest.create('other', { conversation_id: conversation.id })
    await rest.post(`runs/${mine}/cancel`)
    const found = async (query: string) => ids([await page(rest, query)])
    expect(await found('runs?agent_key=echo')).toEqual([mine])
    expect(await found('runs?status=queued')).toEqual([talk])
    expect(await found('runs?status=cancelled&agent_key=other')).toEqual([])
    expect(await found(`runs?conversation_id=${conversation.id}`)).toEqual([talk])
    expect(await found('conversations?agent_key=other')).toEqual([conversation.id])
    expect(await found('conversations?agent_key=echo')).toEqual([])
    expect(await found('runs?agent_key=nobody')).toEqual([])
  })

  test('keep their filter from page to page', async ({ createServer }) => {
    const { rest } = await createServer(options)
    const wanted: string[] = []
    for (let i = 0; i < 6; i += 1) {
      const id = await rest.create(i % 2 === 0 ? 'echo' : 'other')
      if (i % 2 === 0) wanted.unshift(id)
    }
    const pages = await walk(rest, 'runs?limit=1&agent_key=echo', 'next')
    expect(ids(pages)).toEqual(wanted)
    expect(pages.map(({ count }) => count)).toEqual([3, 3, 3])
  })
})
