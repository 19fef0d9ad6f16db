// How many bytes and files a principal may have, and how long unused ones last.
import { expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { form, rowsOf } from './places.ts'
import { UNKNOWN, as, authenticate, naming, reader, upload, uploadOne } from './files-scene.ts'
import type { Uploaded } from './files-scene.ts'

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
