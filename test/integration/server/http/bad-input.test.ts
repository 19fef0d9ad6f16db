import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { test } from '../../../support/runtime.ts'
import { MAX_BODY, options, UNKNOWN_ID, ErrorAnswer } from './bad-input-scene.ts'

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
const NOTHING = { runs: 0, conversations: 0, jobs: 0 }
const counts = `SELECT (SELECT count(*)::int FROM agent_runtime.run) AS runs,
  (SELECT count(*)::int FROM agent_runtime.conversation) AS conversations,
  (SELECT count(*)::int FROM agent_runtime_queue.job) AS jobs`

/** Bodies of `POST runs`. The `agent_key` is valid unless the body has one of its own. */
const RUN_BODIES: { what: string; body: object; code: string; status?: number }[] = [
  { what: 'no agent_key', body: { agent_key: undefined }, code: 'validation_failed' },
  { what: 'an empty agent_key', body: { agent_key: '' }, code: 'validation_failed' },
  { what: 'a number as agent_key', body: { agent_key: 7 }, code: 'validation_failed' },
  { what: 'an agent that is not there', body: { agent_key: 'nobody' }, code: 'unknown_agent' },
  { what: 'an agent of every object', body: { agent_key: 'constructor' }, code: 'unknown_agent' },
  { what: 'an agent with U+0000', body: { agent_key: 'a\u0000' }, code: 'unknown_agent' },
  { what: 'messages that are no list', body: { messages: 'Hi' }, code: 'validation_failed' },
  {
    what: 'a message of no known role',
    body: { messages: [{ role: 'robot', content: '' }] },
    code: 'validation_failed',
  },
  { what: 'a message without content', body: { messages: [{ role: 'user' }] }, code: 'validation_failed' },
  { what: 'a null as message', body: { messages: [null] }, code: 'validation_failed' },
  {
    what: 'a tool message for nothing',
    body: { messages: [{ role: 'tool', content: '' }] },
    code: 'validation_failed',
  },
  { what: 'params of a wrong type', body: { params: { n: 'seven' } }, code: 'validation_failed' },
  { what: 'params that are no object', body: { params: [1] }, code: 'validation_failed' },
  { what: 'metadata that is no object', body: { metadata: 'x' }, code: 'validation_failed' },
  { what: 'a conversation that is no id', body: { conversation_id: 'x' }, code: 'validation_failed' },
  {
    what: 'a conversation that is not there',
    body: { conversation_id: UNKNOWN_ID },
    code: 'not_found',
    status: 404,
  },
  { what: 'an empty idempotency key', body: { idempotency_key: '' }, code: 'validation_failed' },
  { what: 'a long idempotency key', body: { idempotency_key: 'k'.repeat(201) }, code: 'validation_failed' },
  { what: 'an idempotency key with U+0000', body: { idempotency_key: '\u0000' }, code: 'validation_failed' },
  { what: 'no attempts', body: { max_attempts: 0 }, code: 'validation_failed' },
  { what: 'half an attempt', body: { max_attempts: 0.5 }, code: 'validation_failed' },
  { what: 'a timeout of nothing', body: { timeout_ms: 0 }, code: 'validation_failed' },
  { what: 'a timeout beyond the database', body: { timeout_ms: 2 ** 31 }, code: 'validation_failed' },
  {
    what: 'U+0000 in a message',
    body: { messages: [{ role: 'user', content: 'a\u0000b' }] },
    code: 'validation_failed',
  },
  { what: 'U+0000 in a key of metadata', body: { metadata: { 'a\u0000': 1 } }, code: 'validation_failed' },
  { what: 'half a character', body: { metadata: { half: '\ud83d' } }, code: 'validation_failed' },
]

const toCamel = (body: object) =>
  Object.fromEntries(
    Object.entries(body).map(([key, value]) => [
      key.replace(/_[a-z]/, (at) => at.slice(1).toUpperCase()),
      value,
    ]),
  )

describe('creating a run', () => {
  test('with a body that is wrong is refused over both transports, and writes nothing', async ({
    createServer,
    database,
  }) => {
    const { rest, trpc, log } = await createServer(options)
    for (const { what, body, code, status = 400 } of RUN_BODIES) {
      const answer = await rest.post('runs', { agent_key: 'agent', ...body })
      expect([what, answer.status, ErrorAnswer.parse(answer.body).code]).toEqual([what, status, code])
      const input = toCamel({ agent_key: 'agent', ...body }) as never
      const error: unknown = await trpc.client.runs.create.mutate(input).catch((thrown: unknown) => thrown)
      expect([what, error]).toMatchObject([what, { data: { httpStatus: status, error: { code } } }])
      expect(JSON.stringify(error)).not.toMatch(/\n\s*at |\.ts:|node_modules/)
    }
    expect(await database.sql(counts)).toEqual([NOTHING])
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('says what is wrong, and where', async ({ createServer }) => {
    const { rest } = await createServer(options)
    expect((await rest.post('runs', { agent_key: 'nobody' })).body['details']).toEqual({ known: ['agent'] })
    expect(
      (await rest.post('runs', { agent_key: 'agent', params: { n: 'x' } })).body['details'],
    ).toMatchObject([{ path: 'params.n' }])
    expect(
      (await rest.post('runs', { agent_key: 'agent', messages: [{ role: 'user' }] })).body['details'],
    ).toMatchObject([{ path: 'messages.0.content' }])
    expect(
      (await rest.post('runs', { agent_key: 'agent', idempotency_key: 'schedule/x' })).body['details'],
    ).toMatchObject([{ path: 'idempotency_key' }])
    // Fields have the names that the caller wrote; names below `params` and `metadata` are the caller's own.
    const { body } = await rest.post('runs', { agent_key: 'agent', max_attempts: 0 })
    expect(body).toMatchObject({
      error: expect.stringContaining(' at max_attempts: '),
      details: [{ path: 'max_attempts' }],
    })
    expect((await rest.post('runs', { agent_key: 'agent', max_attempts: 11 })).body).toMatchObject({
      error: 'The request is not valid at max_attempts: You may ask for 10 at most.',
      details: [{ path: 'max_attempts' }],
    })
  })

  test('with a body that is no run at all is refused over both transports', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer(options)
    const json = 'application/json'
    const bodies = [
      { type: json, body: '', answer: [400, 'bad_request'] },
      { type: json, body: '{"agent_key": "ag', answer: [400, 'bad_request'] },
      { type: json, body: 'agent_key=agent', answer: [400, 'bad_request'] },
      { type: json, body: '[]', answer: [400, 'validation_failed'] },
      { type: json, body: 'null', answer: [400, 'validation_failed'] },
      {
        type: json,
        body: `{"agent_key":"agent","metadata":{"a":${nested(1_900)}}}`,
        answer: [400, 'validation_failed'],
      },
      {
        type: 'application/x-www-form-urlencoded',
        body: 'agent_key=agent',
        answer: [415, 'unsupported_media_type'],
      },
      { type: 'text/plain', body: '{"agent_key": "agent"}', answer: [415, 'unsupported_media_type'] },
      { type: 'application/jsonp', body: '{}', answer: [415, 'unsupported_media_type'] },
    ]
    for (const { type, body, answer } of bodies) {
      const init = { method: 'POST', headers: { 'content-type': type }, body }
      const response = await rest.send('runs', init)
      expect([response.status, ErrorAnswer.parse(await response.json()).code]).toEqual(answer)
      // tRPC decides which of the two it is, since it checks the type less strictly.
      const overTrpc = await rest.send('/trpc/runs.create', init)
      const { error } = (await overTrpc.json()) as { error: { data: { error: unknown } } }
      expect([400, 415]).toContain(overTrpc.status)
      ErrorAnswer.parse(error.data.error)
    }
    expect(await database.sql(counts)).toEqual([NOTHING])
  })

  test('JSON of every usual kind is taken', async ({ createServer }) => {
    const { rest } = await createServer(options)
    for (const type of [
      'application/json',
      'application/json; charset=utf-8',
      'Application/JSON',
      'application/vnd.api+json',
    ]) {
      const body = JSON.stringify({ agent_key: 'agent', messages: [], metadata: { type } })
      const response = await rest.send('runs', { method: 'POST', headers: { 'content-type': type }, body })
      expect([type, response.status]).toEqual([type, 201])
    }
  })

  test('too large a body is refused, whether its length is declared or not', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer(options)
    const large = JSON.stringify({
      agent_key: 'agent',
      agentKey: 'agent',
      metadata: { large: 'x'.repeat(MAX_BODY) },
    })
    const chunked = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < large.length; at += 1_000)
            controller.enqueue(new TextEncoder().encode(large.slice(at, at + 1_000)))
          controller.close()
        },
      })
    const headers = { 'content-type': 'application/json' }
    for (const path of ['runs', 'conversations', '/trpc/runs.create']) {
      const answers = [
        await rest.send(path, {
          method: 'POST',
          headers: { ...headers, 'content-length': String(large.length) },
          body: large,
        }),
        await rest.send(path, { method: 'POST', headers, body: large }),
        await rest.send(path, { method: 'POST', headers, body: chunked(), duplex: 'half' }),
      ]
      for (const response of answers) {
        const answer = (await response.json()) as { error?: { data?: { error: unknown } } }
        expect([path, response.status]).toEqual([path, 413])
        expect(ErrorAnswer.parse(answer.error?.data?.error ?? answer)).toMatchObject({
          code: 'payload_too_large',
          details: { maxBodyBytes: MAX_BODY },
        })
      }
    }
    expect(await database.sql(counts)).toEqual([NOTHING])
  })
})

test('a Host that names no host is bad input, whatever is asked for', async ({ createServer }) => {
  const { runtime } = await createServer(options)
  await using server = await hostRuntimes(runtime)
  for (const path of ['/api/agents/runs', '/trpc/runs.list', '/trpc/runs.events']) {
    for (const host of ['1.2.3.4.5', '0x100000000', 'a b']) {
      const answer = await new Promise<IncomingMessage>((resolve, reject) =>
        request(`${server.url}${path}`, { headers: { host } }, resolve).on('error', reject).end(),
      )
      answer.resume()
      expect([path, host, answer.statusCode]).toEqual([path, host, 400])
    }
  }
})

test('keys with a meaning to JavaScript are data like any other, or refused', async ({ createServer }) => {
  const plain = defineAgent({ key: 'plain', run: async (ctx) => ({ output: ctx.metadata }) })
  const { rest } = await createServer({ agents: [plain] })
  const body = '{"agent_key":"plain","metadata":{"constructor":1,"toString":2,"__proto__":{"polluted":true}}}'
  const response = await rest.send('runs', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect([201, 400]).toContain(response.status)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})
