import { describe, expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { options, UNKNOWN_ID, ErrorAnswer } from './bad-input-scene.ts'

describe('what is asked of a run', () => {
  test('is refused with the right status when it is wrong', async ({ createServer }) => {
    const { rest, log } = await createServer(options)
    const statuses: Record<string, number> = {
      'runs/not-an-id': 400,
      'runs/%E0%A4%A': 400,
      'runs/%00': 400,
      [`runs/${'0'.repeat(3_000)}`]: 400,
      [`runs/${UNKNOWN_ID}`]: 404,
      [`runs/${UNKNOWN_ID}/events`]: 404,
      [`runs/${UNKNOWN_ID}/events/stream`]: 404,
      'runs/not-an-id/events/stream': 400,
      [`conversations/${UNKNOWN_ID}`]: 404,
      'conversations/not-an-id': 400,
      'runs?limit=0': 400,
      'runs?limit=201': 400,
      'runs?limit=ten': 400,
      'runs?limit=1.5': 400,
      'runs?limit=': 400,
      'runs?status=lost': 400,
      'runs?conversation_id=x': 400,
      'runs?agent_key=%00': 400,
      'runs?cursor=x': 400,
      'runs?cursor=': 400,
      'runs?cursor=before.x': 400,
      [`runs?cursor=before.${UNKNOWN_ID}.x`]: 400,
      'conversations?limit=-1': 400,
      'conversations?cursor=after.': 400,
      'conversations?agent_key=%00': 400,
      nowhere: 404,
    }
    const answers: Record<string, number> = {}
    for (const path of Object.keys(statuses)) {
      const { status, body } = await rest.get(path)
      ErrorAnswer.parse(body)
      answers[path] = status
    }
    expect(answers).toEqual(statuses)
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('is refused with the field that is wrong, under the name it has over REST', async ({
    createServer,
  }) => {
    const { rest } = await createServer(options)
    const details: Record<string, { path: string; message: unknown }> = {
      'runs?limit=ten': { path: 'limit', message: 'limit is a whole number' },
      'runs?limit=1.5': { path: 'limit', message: 'limit is a whole number' },
      'runs?limit=201': { path: 'limit', message: expect.stringContaining('200') },
      'runs?status=lost': { path: 'status', message: expect.stringContaining('queued') },
      'runs?conversation_id=x': { path: 'conversation_id', message: 'a conversation id is a UUID' },
      'conversations?limit=0.5': { path: 'limit', message: 'limit is a whole number' },
      [`conversations/${UNKNOWN_ID}?limit=1001`]: {
        path: 'limit',
        message: expect.stringContaining('1000'),
      },
      [`conversations/${UNKNOWN_ID}?offset=-1`]: { path: 'offset', message: expect.stringContaining('0') },
      [`conversations/${UNKNOWN_ID}?include_failed_runs=perhaps`]: {
        path: 'include_failed_runs',
        message: expect.stringContaining('true'),
      },
      [`runs/${UNKNOWN_ID}/events?limit=1.5`]: { path: 'limit', message: 'limit is a whole number' },
    }
    for (const [path, detail] of Object.entries(details)) {
      const { status, body } = await rest.get(path)
      expect([path, status, body]).toMatchObject([path, 400, { details: [detail] }])
    }
  })

  test('an invalid cursor is refused over both transports, and over tRPC also one ahead of the run', async ({
    createServer,
  }) => {
    const { rest, trpc } = await createServer(options)
    const id = await rest.create('agent')
    await rest.post(`runs/${id}/cancel`)
    await expect(trpc.events({ runId: id, lastEventId: '2' })).rejects.toMatchObject({
      data: { httpStatus: 400 },
    })
    for (const cursor of ['-1', 'x', '1.5', '2147483648', 'NaN']) {
      const refused = { status: 400, body: {} }
      expect(await rest.get(`runs/${id}/events`, { headers: { 'last-event-id': cursor } })).toMatchObject(
        refused,
      )
      expect(
        await rest.get(`runs/${id}/events/stream`, { headers: { 'last-event-id': cursor } }),
      ).toMatchObject(refused)
      await expect(trpc.events({ runId: id, lastEventId: cursor })).rejects.toMatchObject({
        data: { httpStatus: 400 },
      })
    }
    for (const query of ['from_seq=-1', 'from_seq=x', 'from_seq=1.5', 'include_debug=perhaps', 'limit=0']) {
      const answer = await rest.get(`runs/${id}/events?${query}`)
      expect([query, answer.status, ErrorAnswer.parse(answer.body).code]).toMatchObject([
        query,
        400,
        expect.any(String),
      ])
    }
    expect((await rest.get(`runs/${id}/events?from_seq=2`)).body).toMatchObject({ results: [], next: null })
    expect((await rest.get(`runs/${id}/events?from_seq=0`)).body['results']).toHaveLength(1)
  })

  test('wrong over tRPC is told in the same words', async ({ createServer }) => {
    const { trpc, rest } = await createServer(options)
    const { client } = trpc
    const asked: [() => Promise<unknown>, number, string][] = [
      [() => client.runs.get.query({ runId: 'x' }), 400, 'validation_failed'],
      [() => client.runs.get.query({} as never), 400, 'validation_failed'],
      [() => client.runs.get.query({ runId: UNKNOWN_ID }), 404, 'not_found'],
      [() => client.runs.cancel.mutate({ runId: UNKNOWN_ID }), 404, 'not_found'],
      [() => client.runs.list.query({ limit: 0 }), 400, 'validation_failed'],
      [() => client.runs.list.query({ cursor: 'x' }), 400, 'bad_request'],
      [() => client.runs.list.query({ agentKey: '\u0000' }), 400, 'validation_failed'],
      [() => client.conversations.list.query({ agentKey: '\u0000' }), 400, 'validation_failed'],
      [() => client.conversations.get.query({ conversationId: 'x' }), 400, 'validation_failed'],
      [() => client.conversations.get.query({ conversationId: UNKNOWN_ID }), 404, 'not_found'],
      [() => client.conversations.create.mutate({ title: 't'.repeat(501) }), 400, 'validation_failed'],
      [() => client.conversations.create.mutate({ title: '\u0000' }), 400, 'validation_failed'],
      [() => client.conversations.create.mutate({ agentKey: 'nobody' }), 400, 'unknown_agent'],
      [() => trpc.events({ runId: UNKNOWN_ID }), 404, 'not_found'],
      [() => trpc.events({ runId: 'x' }), 400, 'validation_failed'],
    ]
    for (const [index, [ask, httpStatus, code]] of asked.entries()) {
      const error: unknown = await ask().catch((thrown: unknown) => thrown)
      expect([index, error]).toMatchObject([index, { data: { httpStatus, error: { code } } }])
    }
    for (const path of [
      '/trpc/nothing',
      '/trpc/runs.nothing',
      '/trpc/runs.get',
      '/trpc/runs.create',
      '/trpc/',
      '/trpc',
    ]) {
      const response = await rest.send(path, {})
      expect([path, Math.floor(response.status / 100)]).toEqual([path, 4])
      expect(await response.text()).not.toMatch(/\n\s*at |\.ts:|node_modules/)
    }
  })

  test('offsets as large as numbers go are simply beyond the end', async ({ createServer }) => {
    const { rest } = await createServer(options)
    const { body } = await rest.post('conversations', {})
    for (const offset of ['1', '2147483648', '9007199254740991']) {
      const answer = await rest.get(`conversations/${String(body['id'])}?offset=${offset}`)
      expect([offset, answer.status, answer.body['messages']]).toEqual([offset, 200, []])
    }
  })
})
