// An application's own code says who the caller is. Its answer is parsed before it is used.
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { expect } from 'vitest'
import type { AgentRouter } from '../../../../server/api/router.ts'
import { defineAgent, ownersOnly } from '../../../../server/index.ts'
import type { ApiContext, Principal } from '../../../../server/index.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { outputOf } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })
const ADA = { id: 'ada', tenantId: 'acme', kind: 'user' } as const
const UNKNOWN_ID = '019aa000-0000-7000-8000-000000000001'

class Account {
  readonly id = 'ada'
  readonly tenantId = 'acme'
  readonly kind = 'user'
}

/** Invalid principals, which `authenticate` can return if its types are ignored. */
const NOBODY: { what: string; answer: unknown }[] = [
  { what: 'null', answer: null },
  { what: 'undefined', answer: undefined },
  { what: 'false', answer: false },
  { what: 'true', answer: true },
  { what: 'an empty text', answer: '' },
  { what: 'zero', answer: 0 },
  { what: 'a name', answer: 'ada' },
  { what: 'an empty object', answer: {} },
  { what: 'no id', answer: { tenantId: 'acme', kind: 'user' } },
  { what: 'an undefined id', answer: { ...ADA, id: undefined } },
  { what: 'an empty id', answer: { ...ADA, id: '' } },
  { what: 'a number as id', answer: { ...ADA, id: 7 } },
  { what: 'a filter as id', answer: { ...ADA, id: { not: '' } } },
  { what: 'a text object as id', answer: { ...ADA, id: Object('ada') } },
  { what: 'an id with U+0000', answer: { ...ADA, id: 'ada\0' } },
  { what: 'an id of half a character', answer: { ...ADA, id: '\ud83d' } },
  { what: 'an id that no index takes', answer: { ...ADA, id: 'é'.repeat(300) } },
  { what: 'no tenant', answer: { id: 'ada', kind: 'user' } },
  { what: 'a null as tenant', answer: { ...ADA, tenantId: null } },
  { what: 'a filter as tenant', answer: { ...ADA, tenantId: { contains: '' } } },
  { what: 'no kind', answer: { id: 'ada', tenantId: 'acme' } },
  { what: 'an unknown kind', answer: { ...ADA, kind: 'admin' } },
  { what: 'claims that are no object', answer: { ...ADA, claims: 'admin' } },
  { what: 'a list', answer: [ADA] },
  { what: 'a list with the fields of a principal', answer: Object.assign([], ADA) },
  { what: 'a function with them', answer: Object.assign(() => {}, ADA) },
  { what: 'an object of a class', answer: new Account() },
  { what: 'inherited fields', answer: Object.create(ADA) },
  {
    what: 'a getter that throws',
    answer: Object.defineProperty({ ...ADA }, 'id', {
      get() {
        throw new Error('no session')
      },
    }),
  },
  { what: 'claims that can’t be read', answer: { ...ADA, claims: revoked() } },
]

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** The code says why a request was refused: tRPC's clients have it in `data`. */
async function codeOf(ask: Promise<unknown>): Promise<unknown> {
  const error: unknown = await ask.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  const { code, data } = (error ?? {}) as { code?: string; data?: { code: string } }
  return data?.code ?? code
}

test('what is no principal is answered with 401 over every transport', async ({ createServer }) => {
  let answer: unknown = ADA
  const { runtime, rest, trpc, log } = await createServer({
    agents: [agent],
    worker: false,
    authenticate: () => answer as Principal | null,
  })
  const runId = await rest.create('agent')
  await using host = await hostRuntimes(runtime)
  // One socket for each, since many refusals close a socket.
  const listOverSocket = async () => {
    const socket = createWSClient({ url: host.socketUrl })
    const client = createTRPCClient<AgentRouter>({ links: [wsLink({ client: socket })] })
    return client.runs.list.query({}).finally(() => socket.close())
  }

  const t = initTRPC.context<ApiContext>().create()
  const mounted = (principal: unknown) =>
    t.createCallerFactory(t.router({ agents: runtime.router }))({ principal } as ApiContext).agents

  for (const nobody of NOBODY) {
    const { what } = nobody
    answer = nobody.answer
    for (const path of ['runs', `runs/${runId}`, `runs/${runId}/events`, 'conversations']) {
      const { status, body } = await rest.get(path)
      expect([what, path, status, body['code']]).toEqual([what, path, 401, 'unauthorized'])
    }
    expect([what, (await rest.post('runs', { agent_key: 'agent' })).status]).toEqual([what, 401])
    const asked = [
      trpc.client.runs.list.query({}),
      trpc.events({ runId }),
      listOverSocket(),
      mounted(answer).runs.list({}),
      mounted(() => answer).runs.get({ runId }),
      mounted(async () => answer).conversations.list({}),
    ]
    expect([what, await Promise.all(asked.map(codeOf))]).toEqual([what, asked.map(() => 'UNAUTHORIZED')])
  }
  expect(await mounted(async () => ADA).runs.list({})).toMatchObject({ count: 1 })
  answer = ADA
  expect((await rest.get('runs')).body['count']).toBe(1)
  expect(await listOverSocket()).toMatchObject({ count: 1 })
  expect(log.filter(({ level }) => level === 'error')).toEqual([])
})

test('code on the server is refused the same', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [agent], worker: false })
  const { runs, conversations } = runtime
  await runtime.start()
  const { run } = await runs.create(ADA, {
    agentKey: 'agent',
    messages: [],
    metadata: {},
    priority: 0,
  })
  const filter = { includeDebug: false, includeAll: false }
  const events = { runId: run.id, afterSeq: 0, filter }
  for (const { what, answer } of NOBODY) {
    const nobody = answer as Principal
    for (const ask of [
      () => runs.create(nobody, { agentKey: 'agent', messages: [], metadata: {}, priority: 0 }),
      () => runs.get(nobody, run.id),
      () => runs.list(nobody, { limit: 10 }),
      () => runs.cancel(nobody, run.id),
      () => runs.respond(nobody, { runId: run.id, wait: 'any', value: null }),
      () => runs.listEvents(nobody, { ...events, limit: 10 }),
      () => runs.follow(nobody, { ...events, signal: new AbortController().signal }),
      () => conversations.create(nobody, { metadata: {} }),
      () =>
        conversations.get(nobody, {
          conversationId: UNKNOWN_ID,
          limit: 1,
          offset: 0,
          includeFailedRuns: false,
        }),
      () => conversations.list(nobody, { limit: 10 }),
    ]) {
      expect([what, String(ask), await codeOf(ask())]).toEqual([what, String(ask), 'unauthorized'])
    }
  }
  expect((await runs.get(ADA, run.id)).status).toBe('queued')
})

test('who writes `authenticate` reads in the log what is wrong with its answer', async ({ createServer }) => {
  const { rest, log } = await createServer({
    agents: [agent],
    worker: false,
    authenticate: ({ headers }) => (headers.has('x-user') ? ({ id: 'ada' } as Principal) : null),
  })
  await rest.get('runs')
  expect(log.filter(({ level }) => level === 'warn')).toEqual([])
  const { body } = await rest.get('runs', { headers: { 'x-user': 'ada' } })
  const error = 'Authentication is required.'
  expect(body).toEqual({ error, detail: error, code: 'unauthorized' })
  expect(log.filter(({ level }) => level === 'warn')).toMatchObject([
    {
      message: 'authenticate returned something that is not a principal; the request is refused with 401',
      fields: { problems: [expect.stringMatching(/^tenantId: /), expect.stringMatching(/^kind: /)] },
    },
  ])
})

test('claims are there for the request, and stored nowhere', async ({ createServer, database }) => {
  const asked: Principal[] = []
  const { rest } = await createServer({
    agents: [
      defineAgent({ key: 'agent', run: async ({ principal }) => ({ output: { ...principal } as never }) }),
    ],
    authenticate: () => ({ ...ADA, claims: { role: 'staff' }, password: 'secret' }),
    authorize(...asking) {
      asked.push(asking[0])
      return ownersOnly(...asking)
    },
  })
  const id = await rest.create('agent')
  await rest.events(`runs/${id}/events?include_all=true`)
  expect(new Set(asked.map((one) => JSON.stringify(one)))).toEqual(
    new Set([JSON.stringify({ ...ADA, claims: { role: 'staff' } })]),
  )
  expect(outputOf((await rest.get(`runs/${id}`)).body)).toEqual(ADA)
  const [row] = await database.sql<{ text: string }>('SELECT r::text AS text FROM agent_runtime.run r')
  expect(row?.text).not.toMatch(/staff|secret/)
})
