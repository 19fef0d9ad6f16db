// Files of a visitor who signs in.
import { expect } from 'vitest'
import type { Principal } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { form } from './places.ts'
import { as, authenticate, reader, upload, uploadOne } from './files-scene.ts'
import type { Uploaded } from './files-scene.ts'

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
