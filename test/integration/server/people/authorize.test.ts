// The answers of `authorize` are followed, whatever they are and whatever happens meanwhile. The matrix in
// access/ tests who may do what over which transport.
import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { AgentRuntimeError, defineAgent, ownersOnly } from '../../../../server/index.ts'
import type { Authorize, AuthorizeAnswer, Principal } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { openRawSocket } from '../../../support/raw-socket.ts'
import type { LogEntry } from '../../../support/silent-logger.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })
const asking = defineAgent({
  key: 'asking',
  async run(ctx) {
    const { value, respondedBy } = await ctx.wait('city', z.string())
    const { approved } = await ctx.approve({ name: 'refund', arguments: { amount: 1 } })
    return { output: { value, respondedBy, approved } }
  },
})

const ADA: Principal = { id: 'ada', tenantId: 'acme', kind: 'user' }
const as = (id: string) => ({ 'x-user': id })

function authenticate({ headers }: Request): Principal {
  const [id = '', tenantId = 'acme'] = (headers.get('x-user') ?? '').split('@')
  return { id, tenantId, kind: 'user' }
}

/** Everybody of the tenant sees it; bob may answer; root sees everything and may cancel. */
const authorize: Authorize = (...asked) => {
  const [principal, action, resource] = asked
  if (action === 'read') return principal.id === 'root' ? 'any' : 'tenant'
  if (action === 'cancel' && principal.id === 'root') return true
  if (action === 'respond' && principal.id === 'bob') return resource.wait.kind === 'input'
  return ownersOnly(...asked)
}

const lines = (log: readonly LogEntry[], message: string) => log.filter((entry) => entry.message === message)

describe('somebody else than the owner', () => {
  test('answers a wait of a kind they may answer; the run and the log are told who it was', async ({
    createServer,
  }) => {
    const server = await createServer({ agents: [asking], authenticate, authorize })
    const [ada, bob, eve] = [as('ada'), as('bob'), as('eve')].map((headers) => server.as(headers).rest)
    const id = (await ada?.create('asking')) ?? ''
    await (await server.as(as('bob')).rest.stream(`runs/${id}/events`)).until('run.waiting')
    const answer = { wait: 'city', value: 'Lisbon' }
    expect(await eve?.post(`runs/${id}/respond`, answer)).toMatchObject({
      status: 403,
      body: { code: 'forbidden', error: 'You may not answer this wait.' },
    })
    expect(await server.as(as('bob@globex')).rest.post(`runs/${id}/respond`, answer)).toMatchObject({
      status: 404,
    })
    expect(await bob?.post(`runs/${id}/respond`, answer)).toMatchObject({
      status: 200,
      body: { id, owner: { id: 'ada', tenant_id: 'acme', kind: 'user' } },
    })
    expect(lines(server.log, 'a wait was answered')).toMatchObject([
      { fields: { runId: id, wait: 'city', by: { id: 'bob' }, owner: ADA } },
    ])
    const asksForApproval = async () =>
      JSON.stringify((await bob?.get(`runs/${id}`))?.body).includes('approval')
    await vi.waitUntil(asksForApproval)
    const [approval] = (await server.as(as('ada')).trpc.client.runs.get.query({ runId: id })).waits
    const { hash } = z.object({ hash: z.string() }).parse(approval?.details)
    const decision = { wait: approval?.name, value: { approved: true, hash } }
    expect((await bob?.post(`runs/${id}/respond`, decision))?.status).toBe(403)
    // `authorize` is not asked about something that no run waits for.
    expect((await eve?.post(`runs/${id}/respond`, { ...decision, wait: 'none' }))?.status).toBe(404)
    expect((await eve?.post(`runs/${id}/respond`, answer))?.status).toBe(409)
    expect((await ada?.post(`runs/${id}/respond`, decision))?.status).toBe(200)
    expect(lines(server.log, 'an approval was decided')[0]?.fields).not.toHaveProperty('owner')
    await ada?.events(`runs/${id}/events`)
    expect((await bob?.get(`runs/${id}`))?.body['output']).toMatchObject({
      final_output: { value: 'Lisbon', respondedBy: 'bob', approved: true },
    })
  })

  test('cancels, if they may', async ({ createServer }) => {
    const server = await createServer({ agents: [agent], worker: false, authenticate, authorize })
    const id = await server.as(as('ada')).rest.create('agent')
    expect(await server.as(as('bob')).rest.post(`runs/${id}/cancel`)).toMatchObject({ status: 403 })
    expect(await server.as(as('root@bigco')).rest.post(`runs/${id}/cancel`)).toMatchObject({
      status: 200,
      body: { run: { status: 'cancelled' } },
    })
    expect(lines(server.log, 'a run was cancelled')).toMatchObject([
      { fields: { runId: id, by: { id: 'root', tenantId: 'bigco' }, owner: ADA } },
    ])
    expect(lines(server.log, 'refused an action')).toMatchObject([
      { level: 'info', fields: { runId: id, by: { id: 'bob' }, action: 'cancel' } },
    ])
  })

  test('lists as far as they see, and their own unless they ask for more', async ({ createServer }) => {
    const { as: asWho } = await createServer({ agents: [agent], worker: false, authenticate, authorize })
    for (const who of ['ada', 'ada', 'bob', 'zoe@globex']) {
      const { rest } = asWho(as(who))
      await rest.create('agent')
      await rest.post('conversations', {})
    }
    const bob = asWho(as('bob'))
    const root = asWho(as('root@bigco'))
    for (const path of ['runs', 'conversations']) {
      expect((await bob.rest.get(path)).body['count']).toBe(1)
      expect((await bob.rest.get(`${path}?scope=tenant`)).body).toMatchObject({ count: 3 })
      expect(await bob.rest.get(`${path}?scope=any`)).toMatchObject({
        status: 403,
        body: { code: 'forbidden', error: `You may list ${path} with scope "tenant" at most.` },
      })
      expect(await bob.rest.get(`${path}?scope=all`)).toMatchObject({ status: 400 })
      expect((await root.rest.get(`${path}?scope=any`)).body['count']).toBe(4)
      expect((await root.rest.get(`${path}?scope=tenant`)).body['count']).toBe(0)
      // From page to page, with the filter.
      const owners: unknown[] = []
      let next: unknown = `/api/agents/${path}?scope=any&limit=1`
      while (typeof next === 'string') {
        const { pathname, search } = new URL(next, 'http://runtime.test')
        const { body } = await root.rest.get(pathname + search)
        owners.push(...(body['results'] as { owner: { id: string } }[]).map(({ owner }) => owner.id))
        next = body['next']
      }
      expect(owners).toEqual(['zoe', 'bob', 'ada', 'ada'])
    }
    const { items } = await root.trpc.client.runs.list.query({ scope: 'any', limit: 1, agentKey: 'agent' })
    expect(items).toMatchObject([{ owner: { id: 'zoe', tenantId: 'globex', kind: 'user' } }])
  })
})

test('an owner is asked about too', async ({ createServer }) => {
  const server = await createServer({
    agents: [agent],
    worker: false,
    authenticate,
    authorize: (...asked) => asked[1] !== 'cancel' && ownersOnly(...asked),
  })
  const { rest } = server.as(as('ada'))
  const id = await rest.create('agent')
  expect((await rest.post(`runs/${id}/cancel`)).status).toBe(403)
  expect((await rest.get(`runs/${id}`)).body['status']).toBe('queued')
})

test('who may create with which agent, and in which conversation', async ({ createServer, database }) => {
  const asked: unknown[] = []
  const server = await createServer({
    agents: [agent, { ...agent, key: 'costly' }],
    worker: false,
    authenticate,
    authorize(...asking) {
      const [, action, resource] = asking
      if (action !== 'create') return ownersOnly(...asking)
      asked.push(resource)
      return resource.agentKey !== 'costly'
    },
  })
  const { rest, trpc } = server.as(as('ada'))
  const { id } = await trpc.client.conversations.create.mutate({})
  await rest.create('agent', { conversation_id: id })
  const forbidden = { data: { error: { code: 'forbidden' } } }
  await expect(trpc.client.runs.create.mutate({ agentKey: 'costly' })).rejects.toMatchObject(forbidden)
  expect((await rest.post('conversations', { agent_key: 'costly' })).status).toBe(403)
  expect(asked).toEqual([
    { kind: 'conversation', agentKey: null },
    { kind: 'run', agentKey: 'agent', conversationId: id },
    { kind: 'run', agentKey: 'costly', conversationId: null },
    { kind: 'conversation', agentKey: 'costly' },
  ])
  expect(await database.sql('SELECT agent_key FROM agent_runtime.run')).toEqual([{ agent_key: 'agent' }])
})

describe('what happens while it is asked', () => {
  test('a run that becomes somebody else’s is neither cancelled nor answered', async ({
    createServer,
    database,
  }) => {
    const move = `UPDATE agent_runtime.run SET owner_id = 'zoe' WHERE owner_id = 'ada'`
    const server = await createServer({
      agents: [asking],
      authenticate,
      async authorize(...asked) {
        if (asked[1] === 'cancel' || asked[1] === 'respond') {
          await database.sql(move)
          return true
        }
        return authorize(...asked)
      },
    })
    const { rest } = server.as(as('ada'))
    for (const [act, body] of [
      ['cancel', undefined],
      ['respond', { wait: 'city', value: 'Lisbon' }],
    ] as const) {
      const id = await rest.create('asking')
      await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
      expect([act, (await rest.post(`runs/${id}/${act}`, body)).status]).toEqual([act, 404])
      expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'waiting', owner: { id: 'zoe' } })
    }
  })

  test('a wait of another kind is not answered', async ({ createServer, database }) => {
    const server = await createServer({
      agents: [asking],
      authenticate,
      async authorize(...asked) {
        if (asked[1] === 'respond') await database.sql(`UPDATE agent_runtime.wait SET kind = 'approval'`)
        return ownersOnly(...asked)
      },
    })
    const { rest } = server.as(as('ada'))
    const id = await rest.create('asking')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    expect(await rest.post(`runs/${id}/respond`, { wait: 'city', value: 'x' })).toMatchObject({ status: 409 })
    expect((await rest.get(`runs/${id}`)).body['status']).toBe('waiting')
  })
})

describe('an answer that is none', () => {
  const NO_ANSWERS: unknown[] = [
    undefined,
    null,
    {},
    [],
    ['any'],
    'ANY',
    '',
    'all',
    'true',
    0,
    1,
    { scope: 'any' },
  ]

  test('is taken for false, and told of in the log', async ({ createServer }) => {
    let answer: unknown
    let isAnswering = false
    const server = await createServer({
      agents: [agent],
      worker: false,
      authenticate,
      authorize: (...asked) => (isAnswering ? (answer as AuthorizeAnswer) : authorize(...asked)),
    })
    const { rest } = server.as(as('ada'))
    const id = await rest.create('agent')
    const ask = async () => [
      (await rest.get(`runs/${id}`)).status,
      (await rest.get(`runs/${id}/events`)).status,
      (await rest.get('runs')).status,
      (await rest.get('conversations')).status,
      (await rest.post('runs', { agent_key: 'agent' })).status,
      (await rest.post(`runs/${id}/cancel`)).status,
    ]
    isAnswering = true
    const denied = [404, 404, 403, 403, 403, 404]
    for (answer of [...NO_ANSWERS, ...NO_ANSWERS.map((one) => Promise.resolve(one))]) {
      server.log.length = 0
      expect([answer, await ask()]).toEqual([answer, denied])
      const told = lines(server.log, 'authorize gave an invalid answer, which counts as false')
      expect(told.map(({ level, fields }) => [level, fields['action']])).toEqual(
        ['read', 'read', 'read', 'read', 'create', 'read'].map((action) => ['error', action]),
      )
    }
    // Each of these is an answer, but to another question.
    answer = true
    expect(await ask()).toEqual([404, 404, 403, 403, 201, 404])
    answer = 'any'
    expect(await ask()).toEqual([200, 200, 200, 200, 403, 403])
    server.log.length = 0
    answer = false
    expect(await ask()).toEqual(denied)
    expect(server.log.filter(({ level }) => level === 'error')).toEqual([])
  })

  test.for<{ what: string; answer: () => Promise<never> }>([
    { what: 'fails', answer: () => Promise.reject(new Error('ldap://secret is down')) },
    {
      what: 'throws',
      answer() {
        throw new Error('ldap://secret is down')
      },
    },
    { what: 'does not come', answer: () => new Promise<never>(() => {}) },
  ])('that $what is refused with 503, without a reason', async ({ answer }, { createServer }) => {
    let isAway = false
    const server = await createServer({
      agents: [agent],
      worker: false,
      authenticate,
      config: { authorizeTimeoutSeconds: 0.05 },
      authorize: (...asked) => (isAway ? answer() : authorize(...asked)),
    })
    const { rest, trpc } = server.as(as('ada'))
    const id = await rest.create('agent')
    isAway = true
    for (const refused of [
      await rest.get(`runs/${id}`),
      await rest.get(`runs/${id}/events`),
      await rest.get('runs'),
      await rest.post('runs', { agent_key: 'agent' }),
      await rest.post(`runs/${id}/cancel`),
    ]) {
      expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } })
      expect(JSON.stringify(refused.body)).not.toContain('ldap')
    }
    await expect(trpc.client.runs.get.query({ runId: id })).rejects.toMatchObject({
      data: { httpStatus: 503 },
    })
    expect(lines(server.log, 'authorize failed, so a request is refused with 503')).toHaveLength(6)
    isAway = false
    expect((await rest.get(`runs/${id}`)).body['status']).toBe('queued')
  })

  test('but an error made for the caller is theirs', async ({ createServer }) => {
    const server = await createServer({
      agents: [agent],
      worker: false,
      authenticate,
      authorize() {
        throw new AgentRuntimeError('forbidden', 'Your trial is over.')
      },
    })
    expect(await server.as(as('ada')).rest.get('runs')).toMatchObject({
      status: 403,
      body: { error: 'Your trial is over.' },
    })
  })
})

describe('an open stream', () => {
  test('of a run that its reader sees no longer ends, over every transport', async ({ createServer }) => {
    let sees = true
    const { agent: held, release } = createHeldAgent()
    const server = await createServer({
      agents: [held],
      authenticate,
      config: { streamReauthenticateSeconds: 0.05 },
      authorize: (...asked) =>
        asked[1] === 'read' && asked[0].id === 'bob' && sees ? 'tenant' : ownersOnly(...asked),
    })
    await using host = await hostRuntimes(server.runtime)
    const ada = server.as(as('ada'))
    const bob = server.as(as('bob'))
    const runId = await ada.rest.create('held')
    const own = await ada.rest.stream(`runs/${runId}/events`)
    const streamed = await bob.rest.stream(`runs/${runId}/events`)
    await streamed.until('run.started')
    const followed = bob.trpc.events({ runId }).catch((error: unknown) => error)
    using raw = await openRawSocket(host.socketUrl, { params: { authorization: 'x' }, headers: as('bob') })
    raw.send({ id: 1, method: 'subscription', params: { path: 'runs.events', input: { runId } } })
    await raw.until(({ result }) => result?.type === 'data')
    sees = false
    expect(await streamed.next()).toBeUndefined()
    expect(await followed).toMatchObject({ data: { error: { code: 'not_found' } } })
    const ended = await raw.until(({ result }) => result?.type === 'stopped')
    expect(ended.at(-2)).toMatchObject({ id: 1, error: { data: { error: { code: 'not_found' } } } })
    expect((await bob.rest.get(`runs/${runId}`)).status).toBe(404)
    release()
    expect((await own.until('run.succeeded')).at(-1)?.type).toBe('run.succeeded')
  })

  test('of a run that became somebody else’s ends', async ({ createServer, database }) => {
    const { agent: held, release } = createHeldAgent()
    const server = await createServer({
      agents: [held],
      authenticate,
      config: { streamReauthenticateSeconds: 0.05 },
    })
    const { rest, trpc } = server.as(as('ada'))
    const runId = await rest.create('held')
    const stream = await rest.stream(`runs/${runId}/events`)
    await stream.until('run.started')
    const followed = trpc.events({ runId }).catch((error: unknown) => error)
    await database.sql(`UPDATE agent_runtime.run SET owner_id = 'zoe'`)
    expect(await stream.next()).toBeUndefined()
    expect(await followed).toMatchObject({ data: { error: { code: 'not_found' } } })
    release()
    await server.as(as('zoe')).rest.events(`runs/${runId}/events`)
  })
})
