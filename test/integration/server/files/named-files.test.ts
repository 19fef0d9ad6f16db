// Files that messages name: whose they may be, and how long they last.
import { describe, expect } from 'vitest'
import type { Principal } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { rowsOf } from './places.ts'
import { UNKNOWN, as, authenticate, naming, outputOf, principals, reader, uploadOne } from './files-scene.ts'

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
