// What pages of other origins can do with the cookies of a browser's user.
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })
const APP = 'https://app.example.com'
const EVIL = 'https://evil.example'
const OWN = 'http://runtime.test'

/** Signed in with a cookie or a token. */
const authenticate = ({ headers }: Request) =>
  headers.get('cookie') === 'session=ada' || headers.get('authorization') !== null
    ? ({ id: 'ada', tenantId: '', kind: 'user' } as const)
    : null
const config = { allowedOrigins: [APP] }
const options = { agents: [agent] as const, worker: false, authenticate, config }

const preflight = (origin: string) => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  },
})
const PATHS = [
  'runs',
  'runs/019aa000-0000-7000-8000-000000000001/cancel',
  '/trpc/runs.create',
  '/trpc/runs.events',
]

describe('pages of an allowed origin', () => {
  test('are told so before anybody is asked who they are', async ({ createServer }) => {
    const { rest } = await createServer(options)
    for (const path of PATHS) {
      const { status, headers } = await rest.send(path, preflight(APP))
      expect([path, status, Object.fromEntries(headers)]).toMatchObject([
        path,
        204,
        {
          'access-control-allow-origin': APP,
          'access-control-allow-credentials': 'true',
          'access-control-allow-methods': expect.stringContaining('POST'),
          'access-control-allow-headers': expect.stringContaining('authorization'),
        },
      ])
    }
  })

  test('read every answer: of REST, of tRPC, streams and refusals', async ({ createServer }) => {
    const { rest } = await createServer({ ...options, worker: true })
    const signedIn = { origin: APP, cookie: 'session=ada' }
    const json = { ...signedIn, 'content-type': 'application/json' }
    const created = await rest.send('runs', {
      method: 'POST',
      headers: json,
      body: '{"agent_key":"agent","messages":[]}',
    })
    const { id } = (await created.json()) as { id: string }
    const input = encodeURIComponent(JSON.stringify({ runId: id }))
    const answers = [
      created,
      await rest.send(`runs/${id}/events`, { headers: signedIn }),
      await rest.send(`/trpc/runs.get?input=${input}`, { headers: signedIn }),
      await rest.send(`/trpc/runs.events?input=${input}`, { headers: signedIn }),
      await rest.send('runs', { headers: { origin: APP } }),
      await rest.send('/trpc/runs.list', { headers: { origin: APP } }),
      await rest.send('runs/nothing', { headers: signedIn }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 401, 401, 400])
    for (const { url, headers } of answers) {
      expect([url, headers.get('access-control-allow-origin')]).toEqual([url, APP])
      expect(headers.get('vary')).toContain('Origin')
    }
    for (const { body } of answers.slice(1)) await body?.cancel()
  })
})

const allowing = (headers: Headers) =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'))

describe('pages of other origins', () => {
  test('are told nothing', async ({ createServer }) => {
    const { rest } = await createServer(options)
    for (const path of PATHS) {
      const { status, headers } = await rest.send(path, preflight(EVIL))
      expect([path, status, allowing(headers)]).toEqual([path, 204, []])
    }
    const { headers } = await rest.send('runs', { headers: { origin: EVIL, cookie: 'session=ada' } })
    expect(allowing(headers)).toEqual([])
  })

  test('can’t change anything with a user’s cookies, by no request that needs no preflight', async ({
    createServer,
    database,
  }) => {
    const { rest, as } = await createServer(options)
    const id = await as({ cookie: 'session=ada' }).rest.create('agent')
    const form = new FormData()
    form.set('0', JSON.stringify({ runId: id }))
    const bodies: { type?: string; body?: RequestInit['body'] }[] = [
      {},
      { type: 'text/plain', body: JSON.stringify({ runId: id, agentKey: 'agent' }) },
      { type: 'application/x-www-form-urlencoded', body: 'a=1' },
      { body: form },
    ]
    for (const { type, body } of bodies) {
      for (const path of [
        `runs/${id}/cancel`,
        'runs',
        'conversations',
        '/trpc/conversations.create',
        '/trpc/runs.cancel',
        '/trpc/runs.create',
      ]) {
        for (const from of [EVIL, 'null', undefined]) {
          const response = await rest.send(path, {
            method: 'POST',
            ...(body !== undefined && { body }),
            headers: {
              cookie: 'session=ada',
              ...(from !== undefined && { origin: from }),
              ...(type !== undefined && { 'content-type': type }),
            },
          })
          expect([path, type, from, response.status]).toEqual([path, type, from, 403])
          expect(await response.text()).toContain('"forbidden"')
        }
      }
    }
    expect(await as({ cookie: 'session=ada' }).rest.get(`runs/${id}`)).toMatchObject({
      body: { status: 'queued' },
    })
    expect(await database.sql('SELECT id FROM agent_runtime.conversation')).toEqual([])
  })

  test('nor where every origin is allowed, which is for callers without cookies', async ({
    createServer,
  }) => {
    const { rest, as } = await createServer({ ...options, config: { allowedOrigins: ['*'] } })
    const id = await as({ cookie: 'session=ada' }).rest.create('agent')
    const { headers } = await rest.send('runs', preflight(EVIL))
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    const cancel = (more: Record<string, string>) =>
      rest.send(`runs/${id}/cancel`, { method: 'POST', headers: { origin: EVIL, ...more } })
    expect((await cancel({ cookie: 'session=ada' })).status).toBe(403)
    expect((await cancel({ authorization: 'Basic YWRhOnNlY3JldA==' })).status).toBe(403)
    expect((await cancel({ authorization: 'Bearer token' })).status).toBe(200)
  })
})

test('what is one’s own is no other origin: with cookies, without a body, behind a proxy', async ({
  createServer,
}) => {
  const { rest, as } = await createServer(options)
  const cookie = 'session=ada'
  const callers: Record<string, string>[] = [
    { cookie, origin: OWN },
    { cookie, origin: APP },
    { cookie, origin: 'https://public.example', 'x-forwarded-host': 'public.example' },
    { cookie, 'sec-fetch-site': 'same-origin' },
    { cookie, 'content-type': 'application/json' },
    { authorization: 'Bearer token' },
  ]
  for (const headers of callers) {
    const id = await as({ cookie }).rest.create('agent')
    const response = await rest.send(`runs/${id}/cancel`, { method: 'POST', headers })
    expect([headers, response.status]).toEqual([headers, 200])
  }
})

test('answers are nobody else’s, and nothing but what they say they are', async ({ createServer }) => {
  const { rest, as } = await createServer({ ...options, worker: true })
  const { rest: ada } = as({ cookie: 'session=ada' })
  const id = await ada.create('agent')
  const headers = { cookie: 'session=ada' }
  const input = encodeURIComponent(JSON.stringify({ runId: id }))
  for (const [path, init] of [
    ['runs', { headers }],
    [`runs/${id}`, { headers }],
    [`runs/${id}/events`, { headers }],
    ['runs', {}],
    ['nowhere', { headers }],
    ['/nowhere', {}],
    ['/healthz', {}],
    [`/trpc/runs.get?input=${input}`, { headers }],
    [`/trpc/runs.events?input=${input}`, { headers }],
    ['/trpc/runs.nothing', { headers }],
  ] as [string, RequestInit][]) {
    const response = await rest.send(path, init)
    expect([path, response.headers.get('x-content-type-options')]).toEqual([path, 'nosniff'])
    expect([path, response.headers.get('cache-control')]).toEqual([path, expect.stringContaining('no-store')])
    await response.body?.cancel()
  }
})

test('a % that encodes nothing is the caller’s mistake', async ({ createServer }) => {
  const { rest, log } = await createServer(options)
  const headers = { cookie: 'session=ada' }
  for (const path of [
    '/trpc/%',
    '/trpc/%E0%A4%A',
    '/trpc/runs.get%zz?batch=1',
    '/trpc/runs.get?input=%E0%A4%A',
  ]) {
    const response = await rest.send(path, { headers })
    expect([path, response.status]).toEqual([path, 400])
    expect(await response.text()).toContain('"bad_request"')
  }
  expect(log.filter(({ level }) => level === 'error')).toEqual([])
})
