// Callers who are refused again and again must wait, and nobody else does.
import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { Authenticate, Settings } from '../../../../server/index.ts'
import { recordStatements } from '../../../support/record-statements.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => {} })

const authenticate: Authenticate = (request) => {
  const id = request.headers.get('authorization')
  return id === null ? null : { id, tenantId: 'acme', kind: 'user' }
}

async function serve(createServer: CreateServer, config: Settings = { refusalsPerSecond: 1 }) {
  const { runtime } = await createServer({ agents: [agent], worker: false, authenticate, config })
  const asked = (path: string, init: RequestInit, from: string) =>
    runtime.handler(new Request(`http://localhost${path}`, init), { remoteAddress: from })
  return {
    asked,
    create(who: string | null, body: string, from = '192.0.2.1') {
      const headers = {
        'content-type': 'application/json',
        ...(who !== null && { authorization: who }),
      }
      return asked('/api/agents/runs/', { method: 'POST', headers, body }, from)
    },
    follow(who: string, input: string, from = '192.0.2.1') {
      const path = `/trpc/runs.events?input=${encodeURIComponent(input)}`
      return asked(path, { headers: { authorization: who } }, from)
    },
  }
}

/** The statuses of all answers so far. */
function watch(requests: readonly Promise<Response>[]) {
  const statuses: number[] = []
  for (const request of requests) void request.then(({ status }) => statuses.push(status))
  return statuses
}

const GOOD = JSON.stringify({ agent_key: 'agent', messages: [] })

test('a caller who is refused again and again waits; other callers and valid requests do not', async ({
  createServer,
}) => {
  const { create } = await serve(createServer)
  const requests = Array.from({ length: 20 }, () => create('mallory', 'none'))
  const statuses = watch(requests)
  await expect.poll(() => statuses).toEqual([400])
  expect((await create('bob', 'none')).status).toBe(400)
  expect((await create('mallory', GOOD)).status).toBe(201)
  expect((await create('bob', GOOD)).status).toBe(201)
  expect(statuses.length).toBeLessThan(20)
  // Nobody waits longer than five seconds.
  await Promise.all(requests)
  expect(new Set(statuses)).toEqual(new Set([400]))
})

test('who is not known is told from others by the address', async ({ createServer }) => {
  const { create } = await serve(createServer)
  const statuses = watch(Array.from({ length: 20 }, () => create(null, GOOD)))
  await expect.poll(() => statuses).toEqual([401])
  expect((await create(null, GOOD, '192.0.2.2')).status).toBe(401)
  expect((await create('bob', GOOD)).status).toBe(201)
  expect(statuses.length).toBeLessThan(20)
})

test('a stream that is refused inside of its stream counts', async ({ createServer }) => {
  const { follow } = await serve(createServer)
  const statuses = watch(Array.from({ length: 20 }, () => follow('mallory', '{')))
  await expect.poll(() => statuses).toEqual([200])
  expect(await (await follow('bob', '{')).text()).toContain('serialized-error')
  expect(statuses.length).toBeLessThan(20)
})

test.for([
  ['a batch whose calls are refused for several reasons', 'runs.get,nothing', {}],
  ['a batch that is answered call by call', 'runs.get', { 'trpc-accept': 'application/jsonl' }],
] as const)('%s counts by its calls', async ([, paths, headers], { createServer }) => {
  const { asked } = await serve(createServer)
  const input = encodeURIComponent(JSON.stringify({ 0: { runId: 'x' }, 1: { runId: 'x' } }))
  const ask = async (who: string) => {
    const init = { headers: { authorization: who, ...headers } }
    const response = await asked(`/trpc/${paths}?batch=1&input=${input}`, init, '192.0.2.1')
    await response.text()
    return response
  }
  await ask('mallory')
  await ask('mallory')
  const statuses = watch([ask('mallory')])
  await ask('bob')
  expect(statuses).toEqual([])
  await expect.poll(() => statuses).toHaveLength(1)
})

test('networks are told apart, not addresses, and behind a trusted proxy it is that of the client', async ({
  createServer,
}) => {
  const { create, asked } = await serve(createServer, { refusalsPerSecond: 1, trustedProxies: ['10.0.0.1'] })
  const throughProxy = (client: string) =>
    asked('/api/agents/runs/', { headers: { 'x-forwarded-for': client } }, '10.0.0.1')
  const statuses = watch([
    ...Array.from({ length: 10 }, (_, n) => create(null, GOOD, `2001:db8::${n + 1}`)),
    ...Array.from({ length: 10 }, () => throughProxy('203.0.113.66')),
  ])
  await expect.poll(() => statuses).toEqual([401, 401])
  expect((await throughProxy('198.51.100.7')).status).toBe(401)
  expect(statuses).toHaveLength(2)
})

test('a runtime that stops keeps nobody waiting', async ({ createServer }) => {
  const { runtime } = await createServer({
    agents: [agent],
    worker: false,
    authenticate,
    config: { refusalsPerSecond: 1 },
  })
  await runtime.start()
  const requests = Array.from({ length: 50 }, () =>
    runtime.handler(new Request('http://localhost/api/agents/runs/'), { remoteAddress: '192.0.2.1' }),
  )
  const statuses = watch(requests)
  await expect.poll(() => statuses).toEqual([401])
  await runtime.stop()
  await Promise.all(requests)
  expect(statuses).toHaveLength(50)
})

test('the setting may be off', async ({ createServer }) => {
  const { create } = await serve(createServer, { refusalsPerSecond: false })
  const answers = await Promise.all(Array.from({ length: 300 }, () => create('mallory', 'none')))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]))
})

test('malformed requests never reach the database', async ({ createServer }) => {
  const { create } = await serve(createServer, {})
  expect((await create('ada', GOOD)).status).toBe(201)
  const run = (more: object) => JSON.stringify({ agent_key: 'agent', messages: [], ...more })
  const statements = recordStatements()
  for (const body of [
    '',
    'none',
    '[]',
    '[['.repeat(2_000),
    run({ agent_key: 'nobody' }),
    run({ messages: [{ role: 'nobody', content: 'Hello' }] }),
    run({ conversation_id: '7' }),
    run({ idempotency_key: 'x'.repeat(201) }),
    run({ webhooks: [{ url: 'http://127.0.0.1/' }] }),
  ]) {
    expect([body.slice(0, 80), (await create('ada', body)).status]).toEqual([body.slice(0, 80), 400])
  }
  expect(statements.countOf('agent_runtime.run')).toBe(0)
  expect(statements.countOf('BEGIN')).toBe(0)
})
