// Finds conversations by metadata, and by words of their titles and messages.
import { describe, expect } from 'vitest'
import { defineAgent, ownersOnly } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const says = defineAgent({
  key: 'says',
  run: async (ctx) => {
    if (ctx.params === 'fail') throw new Error('as asked')
    return { output: 'done', messages: ctx.params as never }
  },
})

function authenticate({ headers }: Request): Principal {
  return { id: headers.get('x-user') ?? 'ada', tenantId: 'acme', kind: 'user' }
}
const SERVER = { agents: [says], authenticate } as const
const as = (id: string) => ({ 'x-user': id })

async function idsOf(rest: RestClient, query: Record<string, string>): Promise<string[]> {
  const { status, body } = await rest.get(`conversations?${new URLSearchParams(query)}`)
  expect(status).toBe(200)
  const ids = (body['results'] as { id: string }[]).map(({ id }) => id)
  expect(body['count']).toBe(ids.length)
  return ids
}

/** A conversation with this message. */
async function talk(
  rest: RestClient,
  { title, said = [], answer = [] }: { title?: string; said?: unknown[]; answer?: unknown },
): Promise<string> {
  const { body } = await rest.post('conversations', { title, agent_key: 'says' })
  const messages = said.map((content) => ({ role: 'user', content }))
  const runId = await rest.create('says', { conversation_id: body['id'], messages, params: answer })
  await rest.events(`runs/${runId}/events`)
  return String(body['id'])
}

describe('a search', () => {
  test('finds words of titles and of what users and assistants said, of parts too', async ({
    createServer,
  }) => {
    const { rest, trpc } = await createServer(SERVER)
    const titled = await talk(rest, { title: 'Lisbon in March' })
    const asked = await talk(rest, { title: 'x', said: ['What is the weather in Lisbon?', 'And in Porto?'] })
    const parts = await talk(rest, {
      title: 'x',
      said: [
        [
          { type: 'text', text: 'Is this Lisbon?' },
          { type: 'image_url', image_url: { url: 'https://example.com/porto.png' } },
        ],
      ],
    })
    const answered = await talk(rest, {
      title: 'x',
      answer: [
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'hidden thoughts' },
            { type: 'text', text: 'It rains in Lisbon.' },
          ],
        },
      ],
    })
    const failed = await talk(rest, { title: 'x', said: ['Lisbon, for nothing'], answer: 'fail' })
    const all = [failed, answered, parts, asked, titled]
    expect(await idsOf(rest, { search: 'lisbon' })).toEqual(all)
    // Also parts of words, in upper or lower case.
    expect(await idsOf(rest, { search: '  LISB ' })).toEqual(all)
    // All of the words, in any place.
    expect(await idsOf(rest, { search: 'porto lisbon' })).toEqual([asked])
    expect(await idsOf(rest, { search: 'march x' })).toEqual([])
    expect(await idsOf(rest, { search: 'hidden' })).toEqual([])
    expect(await idsOf(rest, { search: '' })).toEqual(all)
    expect(await idsOf(rest, { search: ' \n ' })).toEqual(all)
    const { items, count, nextCursor } = await trpc.client.conversations.list.query({
      search: 'lisbon',
      limit: 2,
    })
    expect([items.map(({ id }) => id), count]).toEqual([[failed, answered], 5])
    const next = await trpc.client.conversations.list.query({
      search: 'lisbon',
      limit: 2,
      cursor: nextCursor ?? '',
    })
    expect([next.items.map(({ id }) => id), next.count]).toEqual([[parts, asked], 5])
  })

  test('leaves out what tools and instructions say', async ({ createServer }) => {
    const { rest } = await createServer(SERVER)
    const { body } = await rest.post('conversations', { title: 'x' })
    const runId = await rest.create('says', {
      conversation_id: body['id'],
      messages: [
        { role: 'system', content: 'Never say swordfish.' },
        { role: 'user', content: 'Hello' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{"a":"tuna"}' } }],
        },
        { role: 'tool', tool_call_id: '1', content: 'salmon' },
      ],
    })
    await rest.events(`runs/${runId}/events`)
    for (const search of ['swordfish', 'salmon', 'tuna']) expect(await idsOf(rest, { search })).toEqual([])
    expect(await idsOf(rest, { search: 'hello' })).toEqual([body['id']])
  })

  test('takes every character for itself, in any script', async ({ createServer }) => {
    const { rest } = await createServer(SERVER)
    const titles = [
      '50% of a_b',
      String.raw`back\slash`,
      'a.*b+(c)?[d]{2}|^$',
      "O'Brien; DROP TABLE run",
      '***:(?i)x',
      'Über Straße ΑΘΗΝΑ',
      '明日の天気を教えて',
      'สวัสดีชาวโลก',
      'شكرا 😀👍🏽',
    ]
    const ids = new Map<string, string>()
    for (const title of titles)
      ids.set(title, String((await rest.post('conversations', { title })).body['id']))
    for (const [title, id] of ids)
      expect([title, await idsOf(rest, { search: title })]).toEqual([title, [id]])
    const found = async (search: string) => {
      const listed = await idsOf(rest, { search })
      return titles.filter((title) => listed.includes(ids.get(title) ?? ''))
    }
    expect(await found('ü')).toEqual(['Über Straße ΑΘΗΝΑ'])
    expect(await found('ÜBER straße αθηνα')).toEqual(['Über Straße ΑΘΗΝΑ'])
    expect(await found('天気')).toEqual(['明日の天気を教えて'])
    expect(await found('ชาว')).toEqual(['สวัสดีชาวโลก'])
    expect(await found('👍🏽')).toEqual(['شكرا 😀👍🏽'])
    expect(await found('.')).toEqual(['a.*b+(c)?[d]{2}|^$'])
    expect(await found('%')).toEqual(['50% of a_b'])
    expect(await found('_')).toEqual(['50% of a_b'])
    expect(await found('a_b')).toEqual(['50% of a_b'])
    for (const nothing of ['.*', '[a-z]', '\\d', '(', 'a|b', '%a', '^', '"']) {
      expect([nothing, (await found(nothing)).filter((title) => !title.includes(nothing))]).toEqual([
        nothing,
        [],
      ])
    }
  })

  test('is bounded, and of text', async ({ createServer }) => {
    const { rest, trpc } = await createServer({ ...SERVER, worker: false })
    const statusOf = async (query: string) => (await rest.get(`conversations?${query}`)).status
    expect(await statusOf(`search=${'x'.repeat(200)}`)).toBe(200)
    expect(await statusOf(`search=${'x'.repeat(201)}`)).toBe(400)
    expect(await statusOf(`search=${'a+'.repeat(20)}`)).toBe(200)
    expect(await statusOf(`search=${'a+'.repeat(21)}`)).toBe(400)
    expect(await statusOf('search=a%00b')).toBe(400)
    for (const search of [7, {}, ['a'], true]) {
      await expect(trpc.client.conversations.list.query({ search: search as string })).rejects.toMatchObject({
        data: { httpStatus: 400 },
      })
    }
  })

  test('finds what its caller sees, as the list does', async ({ createServer }) => {
    const server = await createServer({
      ...SERVER,
      worker: false,
      authorize(...asked) {
        const [{ id }, action] = asked
        return action === 'read' && id === 'admin' ? 'tenant' : ownersOnly(...asked)
      },
    })
    const [ada, bob, admin] = ['ada', 'bob', 'admin'].map((id) => server.as(as(id)).rest) as [
      RestClient,
      RestClient,
      RestClient,
    ]
    const make = async (rest: RestClient) =>
      String((await rest.post('conversations', { title: 'Secret', metadata: { team: 1 } })).body['id'])
    const [adas, bobs] = [await make(ada), await make(bob)]
    const metadata = '{"team":1}'
    expect(await idsOf(ada, { search: 'secret' })).toEqual([adas])
    expect(await idsOf(ada, { metadata })).toEqual([adas])
    expect(await idsOf(admin, { search: 'secret' })).toEqual([])
    expect(await idsOf(admin, { search: 'secret', scope: 'tenant' })).toEqual([bobs, adas])
    expect(await idsOf(admin, { metadata, search: 'secret', scope: 'tenant' })).toEqual([bobs, adas])
    expect((await bob.get('conversations?search=secret&scope=tenant')).status).toBe(403)
    await ada.request('PATCH', `conversations/${adas}`, { archived: true })
    expect(await idsOf(ada, { search: 'secret' })).toEqual([])
    expect(await idsOf(ada, { search: 'secret', archived: 'all' })).toEqual([adas])
    await ada.request('DELETE', `conversations/${adas}`)
    expect(await idsOf(ada, { search: 'secret', archived: 'all' })).toEqual([])
  })

  test('leads from page to page by links that search for the same', async ({ createServer }) => {
    const { rest } = await createServer({ ...SERVER, worker: false })
    const made: unknown[] = []
    for (let n = 0; n < 5; n += 1) {
      made.unshift(
        (await rest.post('conversations', { title: `A & ${n}`, metadata: { 'a&b': '%' } })).body['id'],
      )
      await rest.post('conversations', { title: 'Another' })
    }
    const seen: unknown[] = []
    let link: unknown = `/api/agents/conversations?${new URLSearchParams({ limit: '2', search: '&', metadata: '{"a&b":"%"}' })}`
    while (typeof link === 'string') {
      const { body } = await rest.get(link.replace('http://runtime.test', ''))
      expect(body['count']).toBe(5)
      seen.push(...(body['results'] as { id: string }[]).map(({ id }) => id))
      link = body['next']
    }
    expect(seen).toEqual(made)
  })

  test('that takes too long is refused, and a caller has few at a time', async ({
    createServer,
    database,
  }) => {
    const server = await createServer({ ...SERVER, worker: false })
    const [ada, bob] = [server.as(as('ada')).rest, server.as(as('bob')).rest]
    const id = (await ada.post('conversations', { title: 'Found' })).body['id']
    const holder = await database.connect()
    await holder.query('BEGIN')
    await holder.query('LOCK TABLE agent_runtime.conversation')
    const search = (rest: RestClient) => rest.get('conversations?search=found')
    const adas = Array.from({ length: 5 }, () => search(ada))
    expect(await search(ada)).toMatchObject({ status: 429, body: { details: { retryAfterSeconds: 1 } } })
    // This search waits behind them and is not refused.
    const bobs = search(bob)
    // Two searches run, and are told that they take too long; then the next two run.
    expect(await Promise.race(adas)).toMatchObject({ status: 400, body: { code: 'validation_failed' } })
    await holder.query('ROLLBACK')
    const statuses = (await Promise.all(adas)).map(({ status }) => status)
    expect(statuses.at(-1)).toBe(200)
    expect((await bobs).status).toBe(200)
    expect(await idsOf(ada, { search: 'found' })).toEqual([id])
    await Promise.all(Array.from({ length: 5 }, async () => expect((await search(ada)).status).toBe(200)))
  })
})

describe('metadata', () => {
  test('is found by what it has at least, at any depth', async ({ createServer }) => {
    const { rest, trpc } = await createServer({ ...SERVER, worker: false })
    const make = async (metadata: object) =>
      String((await rest.post('conversations', { metadata })).body['id'])
    const one = await make({ ticket: 17, tags: ['a', 'b'], customer: { id: 'c', plan: 'pro' } })
    const two = await make({ ticket: '17', tags: ['b'] })
    const none = await make({})
    const found = (metadata: unknown) => idsOf(rest, { metadata: JSON.stringify(metadata) })
    expect(await found({ ticket: 17 })).toEqual([one])
    expect(await found({ ticket: '17' })).toEqual([two])
    expect(await found({ tags: ['b'] })).toEqual([two, one])
    expect(await found({ customer: { plan: 'pro' } })).toEqual([one])
    expect(await found({ customer: { plan: 'pro' }, ticket: '17' })).toEqual([])
    expect(await found({ ticket: null })).toEqual([])
    expect(await found({})).toEqual([none, two, one])
    expect((await trpc.client.conversations.list.query({ metadata: { ticket: 17 } })).items).toMatchObject([
      { id: one },
    ])
  })

  test('is JSON of an object, and not much of it', async ({ createServer }) => {
    const { rest, trpc } = await createServer({ ...SERVER, worker: false })
    const long = JSON.stringify({ a: 'x'.repeat(2_000) })
    for (const metadata of ['', 'x', '{', '7', '"a"', '[1]', 'null', 'true', '{"a":"\\u0000"}', long]) {
      const { status } = await rest.get(`conversations?${new URLSearchParams({ metadata })}`)
      expect([metadata, status]).toEqual([metadata, 400])
    }
    // @ts-expect-error metadata is an object
    await expect(trpc.client.conversations.list.query({ metadata: 'a' })).rejects.toMatchObject({
      data: { httpStatus: 400 },
    })
  })
})
