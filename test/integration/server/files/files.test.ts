// Files, from the caller to the agent and back, in every store.
import { randomBytes } from 'node:crypto'
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import { test as base } from '../../../support/runtime.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { PLACES, form, rowsOf } from './places.ts'
import type { Place } from './places.ts'

/** Says what it was given, and the content. */
const reader = defineAgent({
  key: 'reader',
  async run(ctx) {
    const content = ctx.messages.at(-1)?.content
    const parts = Array.isArray(content) ? content : []
    const ids = parts.flatMap((part) => (part.type === 'file' && part.fileId ? [part.fileId] : []))
    const files = await Promise.all(ids.map((id) => ctx.files.read(id)))
    return {
      output: files.map(({ name, mediaType, size, bytes }) => ({
        name,
        mediaType,
        size,
        text: Buffer.from(bytes).toString('utf8', 0, 100),
      })),
    }
  },
})

const principals: Record<string, Principal> = {
  ada: { id: 'ada', tenantId: '', kind: 'user' },
  bob: { id: 'bob', tenantId: '', kind: 'user' },
}
const authenticate = ({ headers }: Request) => principals[headers.get('authorization') ?? ''] ?? null
const as = (authorization: string) => ({ authorization })
const UNKNOWN = '019aa000-0000-7000-8000-000000000001'

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

interface Uploaded {
  id: string
  name: string
  media_type: string
  size: number
  sha256: string
  expires_at: string | null
}

async function upload(rest: RestClient, data: FormData, headers: Record<string, string> = {}) {
  const answer = await rest.send('files/', { method: 'POST', body: data, headers })
  const body = (await answer.json()) as { files?: Uploaded[]; code?: string }
  return { status: answer.status, files: body.files ?? [], code: body.code }
}

async function uploadOne(
  rest: RestClient,
  headers: Record<string, string>,
  name = 'a.txt',
  type = 'text/plain',
) {
  const { files } = await upload(rest, form({}, [name, type, 'Hello']), headers)
  return files[0] as Uploaded
}

const naming = (...ids: string[]) => ({
  messages: [{ role: 'user', content: ids.map((file_id) => ({ type: 'file', file: { file_id } })) }],
})

async function outputOf(rest: RestClient, id: string): Promise<unknown> {
  const read = async () => (await rest.get(`runs/${id}`)).body
  await expect.poll(async () => (await read())['status']).toBe('succeeded')
  return ((await read())['output'] as { final_output: unknown }).final_output
}

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

describe('a file that somebody names', () => {
  test('has to be theirs, and there', async ({ createServer, database }) => {
    const server = await createServer({ agents: [reader], authenticate, worker: false })
    const [ada, bob] = [server.as(as('ada')), server.as(as('bob'))]
    const { id } = await uploadOne(ada.rest, as('ada'))
    const refusal = { status: 404, body: { code: 'not_found' } }
    expect(await bob.rest.post('runs', { agent_key: 'reader', ...naming(id) })).toMatchObject(refusal)
    expect(await ada.rest.post('runs', { agent_key: 'reader', ...naming(id, UNKNOWN) })).toMatchObject(
      refusal,
    )
    for (const asked of [`files/${id}`, `files/${id}/info`])
      expect((await bob.rest.get(asked)).status).toBe(404)
    expect((await bob.rest.request('DELETE', `files/${id}`)).status).toBe(404)
    expect((await bob.rest.get('files')).body).toMatchObject({ count: 0 })
    expect(await database.sql('SELECT 1 FROM agent_runtime.run')).toEqual([])
    // In capitals it is the same id. An id that is no UUID belongs to the model provider.
    await ada.rest.create('reader', naming(id.toUpperCase(), id, 'file-abc'))
    expect(await database.sql('SELECT file_id FROM agent_runtime.run_file')).toEqual([{ file_id: id }])
  })

  test('lasts as long as the last run that names it, in whichever order they go', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer({ agents: [reader] })
    const { id } = await uploadOne(rest, {})
    const runs = await Promise.all([rest.create('reader', naming(id)), rest.create('reader', naming(id))])
    for (const run of runs) await outputOf(rest, run)
    await rest.request('DELETE', `runs/${runs[1]}`)
    expect((await rest.get(`files/${id}/info`)).status).toBe(200)
    await rest.request('DELETE', `runs/${runs[0]}`)
    expect((await rest.get(`files/${id}/info`)).status).toBe(404)
    expect(await rowsOf(database.sql)).toBe(0)
  })

  test('that its owner deletes is told to be gone to the agent that reads it', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [reader] })
    const { id } = await uploadOne(rest, {})
    const run = await rest.create('reader', { ...naming(id), run_at: '2999-01-01T00:00:00Z' })
    await rest.request('DELETE', `files/${id}`)
    expect((await rest.get(`runs/${run}`)).body).toMatchObject({ status: 'queued' })
    const now = await rest.post('runs', { agent_key: 'reader', ...naming(id) })
    expect(now.status).toBe(404)
  })

  test('goes with its conversation, and all of somebody’s with them, named or not', async ({
    createServer,
    database,
  }) => {
    const { runtime, as: by } = await createServer({ agents: [reader], authenticate })
    const { rest } = by(as('ada'))
    const conversation = String((await rest.post('conversations', {})).body['id'])
    const [named, other] = [await uploadOne(rest, as('ada')), await uploadOne(rest, as('ada'))]
    const bobs = await uploadOne(by(as('bob')).rest, as('bob'))
    const id = await rest.create('reader', { ...naming(named.id), conversation_id: conversation })
    await outputOf(rest, id)
    await rest.request('DELETE', `conversations/${conversation}`)
    expect((await rest.get('files')).body).toMatchObject({ results: [{ id: other.id }] })
    const again = await uploadOne(rest, as('ada'))
    await outputOf(rest, await rest.create('reader', naming(again.id)))
    const ada = principals['ada'] as Principal
    expect(await runtime.erase({ id: ada.id, tenantId: '', kind: 'user' })).toEqual({
      conversations: 0,
      runs: 1,
      files: 2,
      schedules: 0,
      memories: 0,
    })
    const left = await database.sql('SELECT id FROM agent_runtime.file')
    expect(left).toEqual([{ id: bobs.id }])
  })
})

describe('what is served', () => {
  const scripted = [
    'text/html',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/xml',
    'application/pdf',
    'nonsense',
  ]
  test('is shown by a browser where nothing in it can run, and saved otherwise', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [reader], worker: false })
    for (const type of [...scripted, 'image/png', 'text/plain', 'audio/mpeg']) {
      const { id } = await uploadOne(rest, {}, 'a', type)
      const { headers } = await rest.send(`files/${id}/`, {})
      const how = scripted.includes(type) ? 'attachment' : 'inline'
      expect([type, headers.get('content-disposition')]).toEqual([
        type,
        expect.stringMatching(new RegExp(`^${how};`)),
      ])
      expect(headers.get('content-type')).toBe(type === 'nonsense' ? 'application/octet-stream' : type)
      expect(headers.get('content-security-policy')).toContain('sandbox')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  test('no name and no type breaks out of its header', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [reader], worker: false })
    for (const name of [
      'a"; filename="b',
      'a\r\nset-cookie: b=c',
      '../../etc/passwd',
      '漢'.repeat(80),
      'x%0d%0a',
    ]) {
      const { id } = await uploadOne(rest, {}, name, 'text/html;charset="a\r\nx: y"')
      const { headers, status } = await rest.send(`files/${id}/`, {})
      expect([status, headers.has('set-cookie'), headers.has('x')]).toEqual([200, false, false])
      expect(headers.get('content-disposition')).toMatch(
        /^attachment; filename="[^"\\]*"; filename\*=UTF-8''[\w%.!~-]+$/,
      )
      expect(headers.get('content-disposition')).not.toContain('/')
    }
  })

  test.for<[range: string, status: number, text: string, contentRange: string | null]>([
    ['bytes=0-1', 206, 'He', 'bytes 0-1/5'],
    ['bytes=3-', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=-2', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=-99', 206, 'Hello', 'bytes 0-4/5'],
    ['bytes=2-99', 206, 'llo', 'bytes 2-4/5'],
    ['bytes=5-', 416, '', 'bytes */5'],
    ['bytes=-0', 416, '', 'bytes */5'],
    ['bytes=99999999999999-', 416, '', 'bytes */5'],
    ['bytes=3-1', 200, 'Hello', null],
    ['bytes=0-1,3-4', 200, 'Hello', null],
    ['bytes=-', 200, 'Hello', null],
    ['lines=0-1', 200, 'Hello', null],
  ])('of %s: %i %s', async ([range, status, text, contentRange], { createServer }) => {
    const { rest } = await createServer({ agents: [reader], worker: false })
    const { id } = await uploadOne(rest, {})
    const answer = await rest.send(`files/${id}/`, { headers: { range } })
    expect([answer.status, answer.headers.get('content-range')]).toEqual([status, contentRange])
    if (status !== 416) expect(await answer.text()).toBe(text)
  })

  test('is not sent to a caller who has it, or who asks only for its headers', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [reader], worker: false })
    const { id, sha256 } = await uploadOne(rest, {})
    const ask = (init: RequestInit) => rest.send(`files/${id}/`, init)
    const etag = `"${sha256}"`
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      expect((await ask({ headers: { 'if-none-match': known } })).status).toBe(304)
    }
    expect((await ask({ headers: { 'if-none-match': '"other"' } })).status).toBe(200)
    const head = await ask({ method: 'HEAD', headers: { range: 'bytes=0-1' } })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', ''])
    const part = { range: 'bytes=0-1' }
    expect((await ask({ headers: { ...part, 'if-range': etag } })).status).toBe(206)
    expect((await ask({ headers: { ...part, 'if-range': '"other"' } })).status).toBe(200)
    expect((await ask({ method: 'POST' })).status).toBe(405)
  })
})

test('the bytes of one principal have a bound, also of uploads at once', async ({
  createServer,
  database,
}) => {
  const { rest } = (
    await createServer({ agents: [reader], authenticate, worker: false, config: { principalFileBytes: 10 } })
  ).as(as('ada'))
  const first = await uploadOne(rest, as('ada'))
  const both = await Promise.all(
    [1, 2, 3].map(() => upload(rest, form({}, ['b', 'text/plain', '12345']), as('ada'))),
  )
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 413, 413])
  expect((await upload(rest, form({}, ['b', 'text/plain', '1']), as('ada'))).status).toBe(413)
  await rest.request('DELETE', `files/${first.id}`)
  expect((await upload(rest, form({}, ['b', 'text/plain', '123456']), as('ada'))).status).toBe(413)
  expect((await upload(rest, form({}, ['b', 'text/plain', '12345']), as('ada'))).status).toBe(201)
  expect(await rowsOf(database.sql)).toBe(2)
})

test('an upload that nobody names expires, and one whose server died is swept', async ({
  createServer,
  database,
}) => {
  const { rest, runtime } = await createServer({ agents: [reader], worker: false })
  const [kept, unused] = [await uploadOne(rest, {}), await uploadOne(rest, {})]
  await rest.create('reader', naming(kept.id))
  // What a server leaves that is killed in the middle.
  await database.sql(`
    INSERT INTO agent_runtime.file (id, owner_id, owner_kind, media_type, size, expires_at)
    VALUES ('${UNKNOWN}', 'public', 'public', 'text/plain', 100, now() + interval '6 minutes')`)
  await database.sql(`INSERT INTO agent_runtime.file_chunk VALUES ('${UNKNOWN}', 0, 'abc')`)
  expect((await rest.get(`files/${UNKNOWN}/info`)).status).toBe(404)
  expect((await rest.get('files')).body).toMatchObject({ count: 2 })
  await database.sql(
    `UPDATE agent_runtime.file SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL`,
  )
  expect((await rest.get(`files/${unused.id}/info`)).status).toBe(404)
  expect((await rest.post('runs', { agent_key: 'reader', ...naming(unused.id) })).status).toBe(404)
  // The next process looks for old leftovers when it starts.
  await runtime.stop()
  const next = await createServer({ agents: [reader], worker: false })
  await next.runtime.start()
  await expect.poll(() => database.sql('SELECT id FROM agent_runtime.file')).toEqual([{ id: kept.id }])
  expect(await database.sql(`SELECT 1 FROM agent_runtime.file_chunk WHERE file_id = '${UNKNOWN}'`)).toEqual(
    [],
  )
})

test('files of a visitor become the user’s, including uploads under way', async ({ createServer }) => {
  const server = await createServer({
    agents: [reader],
    anonymousSessions: true,
    authenticate,
    worker: false,
  })
  const { body } = await server.rest.post('sessions/anonymous')
  const visitor = { 'x-anonymous-token': String(body['token']) }
  const before = await uploadOne(server.as(visitor).rest, visitor)
  const begun = Promise.withResolvers<void>()
  const claimed = Promise.withResolvers<void>()
  async function* bytes() {
    yield Buffer.alloc(300_000)
    begun.resolve()
    await claimed.promise
    yield Buffer.from('end')
  }
  const principal = await server.runtime.sessions.find(String(body['token']))
  const during = server.runtime.files.upload(principal as Principal, {}, bytes())
  await begun.promise
  const ada = server.as(as('ada')).rest
  expect((await ada.post('sessions/claim', { token: body['token'] })).status).toBe(200)
  claimed.resolve()
  const { id } = await during
  const { body: list } = await ada.get('files')
  expect((list['results'] as Uploaded[]).map((file) => file.id)).toEqual([id, before.id])
  expect((await upload(server.rest, form({}, ['a', 'text/plain', 'b']), visitor)).status).toBe(401)
  await expect(server.runtime.files.upload(principal as Principal, {}, bytes())).rejects.toMatchObject({
    code: 'unauthorized',
  })
})

test(
  'ten thousand files are listed page by page',
  { timeout: 180_000 },
  async ({ createServer, database }) => {
    const { rest } = await createServer({ agents: [reader], worker: false })
    await database.sql(`
    INSERT INTO agent_runtime.file (id, owner_id, owner_kind, media_type, size, sha256)
    SELECT ('019aa000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'public', 'public', 'text/plain', 1, sha256('a')
    FROM generate_series(1, 10000) n`)
    const seen = new Set<string>()
    for (let path: string | undefined = 'files?limit=200'; path !== undefined;) {
      const { body } = await rest.get(path)
      expect(body['count']).toBe(10_000)
      for (const { id } of body['results'] as Uploaded[]) seen.add(id)
      const next = body['next'] as string | null
      path = next === null ? undefined : `files${new URL(next).search}`
    }
    expect(seen.size).toBe(10_000)
  },
)
