// Files, from the caller to the agent and back, in every place where they are stored.
import { randomBytes } from 'node:crypto'
import { describe, expect } from 'vitest'
import { test as base } from '../../../support/runtime.ts'
import { PLACES, form, rowsOf } from './places.ts'
import type { Place } from './places.ts'
import { UNKNOWN, as, authenticate, naming, outputOf, reader, upload } from './files-scene.ts'
import type { Uploaded } from './files-scene.ts'

const test = base.extend<{ where: (create: () => Promise<Place>) => Promise<Place> }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads from it that no other fixture is needed
  where: async ({}, use) => {
    const places: Place[] = []
    await use(async (create) => {
      const place = await create()
      places.push(place)
      return place
    })
    for (const place of places) await place[Symbol.asyncDispose]()
  },
})

describe.for(PLACES)('kept in %s', ([, createPlace]) => {
  test('a file is uploaded, listed, served as it was, named by a message, read by its agent, and goes with its run', async ({
    createServer,
    database,
    where,
  }) => {
    const place = await where(createPlace)
    const options = { agents: [reader], authenticate, config: place.config }
    const { rest } = (await createServer(options)).as(as('ada'))
    const second = (await createServer({ ...options, worker: false })).as(as('ada')).rest
    const bytes = randomBytes(700_000)
    const { status, files } = await upload(
      rest,
      form({}, ['Grüße "1".png', 'image/png', bytes], ['b.txt', 'text/plain', 'Hello']),
      as('ada'),
    )
    expect(status).toBe(201)
    expect(files).toMatchObject([
      { name: 'Grüße "1".png', media_type: 'image/png', size: 700_000 },
      { name: 'b.txt', media_type: 'text/plain', size: 5 },
    ])
    const [image, text] = files as [Uploaded, Uploaded]
    const { body } = await second.get('files/')
    expect((body['results'] as Uploaded[]).map(({ id }) => id)).toEqual([text.id, image.id])
    expect((await second.get(`files/${image.id}/info`)).body).toEqual(image)

    const served = await second.send(`files/${image.id}/`, { headers: as('ada') })
    expect(Buffer.from(await served.arrayBuffer()).equals(bytes)).toBe(true)
    expect(Object.fromEntries(served.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': '700000',
      'content-disposition': `inline; filename="Gr__e _1_.png"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%221%22.png`,
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-cache',
      etag: `"${image.sha256}"`,
    })

    const id = await rest.create('reader', naming(text.id))
    expect(await outputOf(rest, id)).toEqual([
      { name: 'b.txt', mediaType: 'text/plain', size: 5, text: 'Hello' },
    ])
    expect((await rest.get(`files/${text.id}/info`)).body['expires_at']).toBeNull()

    expect((await second.request('DELETE', `runs/${id}`)).status).toBe(204)
    expect((await rest.get(`files/${text.id}/info`)).status).toBe(404)
    expect((await second.send(`files/${text.id}/`, { headers: as('ada') })).status).toBe(404)
    expect(await rowsOf(database.sql)).toBe(1)
    expect((await rest.request('DELETE', `files/${image.id}`)).status).toBe(204)
    expect((await rest.request('DELETE', `files/${image.id}`)).status).toBe(404)
    expect([await rowsOf(database.sql), await place.pieces(database.sql)]).toEqual([0, 0])
  })

  test('a run is created with its files in one request', async ({ createServer, database, where }) => {
    const place = await where(createPlace)
    const { rest } = await createServer({ agents: [reader], config: place.config })
    const fields = {
      agent_key: 'reader',
      messages: JSON.stringify([{ role: 'user', content: 'Read these.' }]),
      metadata: JSON.stringify({ from: 'a page' }),
      idempotency_key: '42',
      priority: '3',
    }
    const send = (...files: Parameters<typeof form>[1][]) =>
      rest.send('runs/', { method: 'POST', body: form(fields, ...files) })
    const files = [
      ['a.txt', 'text/plain', 'One'],
      ['b.html', 'text/html', '<b>Two</b>'],
    ] as const
    const created = await send(...files.map((file) => [...file] as Parameters<typeof form>[1]))
    expect(created.status).toBe(201)
    const run = (await created.json()) as { id: string }
    expect(run).toMatchObject({ metadata: { from: 'a page' }, priority: 3 })
    expect(await outputOf(rest, run.id)).toMatchObject([
      { text: 'One' },
      { name: 'b.html', text: '<b>Two</b>' },
    ])
    const { messages } = (await rest.get(`runs/${run.id}`)).body['input'] as { messages: unknown }
    expect(messages).toMatchObject([
      {
        content: [
          { type: 'text', text: 'Read these.' },
          { type: 'file', file: { filename: 'a.txt' } },
          { type: 'file', file: { filename: 'b.html' } },
        ],
      },
    ])

    // Asks again after a lost answer. The files are the same, whatever their new ids.
    const again = await send(...files.map((file) => [...file] as Parameters<typeof form>[1]))
    expect([again.status, ((await again.json()) as { id: string }).id]).toEqual([200, run.id])
    expect(await rowsOf(database.sql)).toBe(2)
    const others = await send(['a.txt', 'text/plain', 'Another'], ['b.html', 'text/html', '<b>Two</b>'])
    expect(others.status).toBe(409)
    expect(await rowsOf(database.sql)).toBe(2)
  })

  test('a request that is refused leaves no file', async ({ createServer, database, where }) => {
    const place = await where(createPlace)
    const { rest } = await createServer({
      agents: [reader],
      config: { ...place.config, maxFileBytes: 1_000_000 },
      worker: false,
    })
    const a: Parameters<typeof form>[1] = ['a.txt', 'text/plain', 'One']
    const many = Array.from({ length: 11 }, () => a)
    const large: Parameters<typeof form>[1] = ['large', 'text/plain', randomBytes(1_000_001)]
    const refused: [status: number, path: string, data: FormData][] = [
      [400, 'runs/', form({ agent_key: 'nobody' }, a)],
      [400, 'runs/', form({ agent_key: 'reader', messages: 'no JSON' }, a)],
      [400, 'runs/', form({ agent_key: 'reader', messages: '[{"role":"nobody"}]' }, a)],
      [404, 'runs/', form({ agent_key: 'reader', conversation_id: UNKNOWN }, a)],
      [413, 'runs/', form({ agent_key: 'reader' }, a, large)],
      [413, 'files/', form({}, a, large)],
      [413, 'files/', form({}, ...many)],
      [413, 'files/', form({ long: 'x'.repeat(1_048_577) }, a)],
      [413, 'files/', form(Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`n${n}`, ''])), a)],
      [400, 'files/', form({ only: 'a field' })],
    ]
    for (const [status, path, body] of refused) {
      const answer = await rest.send(path, { method: 'POST', body })
      expect([status, await answer.text()]).toEqual([answer.status, expect.stringContaining('"error"')])
      expect([await rowsOf(database.sql), await place.pieces(database.sql)]).toEqual([0, 0])
    }
  })
})
