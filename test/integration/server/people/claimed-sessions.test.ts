// A visitor signs up: all of the visitor's data becomes the user's, once.
import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { recordStatements } from '../../../support/record-statements.ts'
import { test } from '../../../support/runtime.ts'
import type { TestServer } from '../../../support/runtime.ts'
import { said } from '../../../support/said.ts'

const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })
const asks = defineAgent({
  key: 'asks',
  run: async (ctx) => ({ output: (await ctx.wait('leave', z.string())).value }),
})
const agents = [echo, asks]
const ADA = { id: 'ada', tenantId: 'acme', kind: 'user' } as const
const ADAS = { 'x-user': 'ada' }

function authenticate(request: Request): Principal | null {
  const id = request.headers.get('x-user')
  if (id === 'public') return { id, tenantId: '', kind: 'public' }
  return id === null ? null : { ...ADA, id }
}
const options = {
  agents,
  anonymousSessions: true,
  authenticate,
  config: { streamReauthenticateSeconds: 0.05 },
}

async function enter({ runtime, as }: Pick<TestServer, 'runtime' | 'as'>) {
  const { token } = await runtime.sessions.create()
  return { token, ...as({ 'x-anonymous-token': token }) }
}

describe('a session that is claimed', () => {
  test('makes all that was the visitor’s the user’s, and ends', async ({ createServer }) => {
    const server = await createServer(options)
    const [visitor, other] = [await enter(server), await enter(server)]
    const ada = server.as(ADAS).rest
    const conversation = (await visitor.rest.post('conversations', { title: 'Mine' })).body
    const inIt = { conversation_id: conversation['id'] }
    const runIds = [await visitor.rest.create('echo', inIt), await visitor.rest.create('asks')]
    const othersRun = await other.rest.create('echo')
    const before = await ada.create('echo')
    await visitor.rest.events(`runs/${runIds[0]}/events`)

    const { status, body } = await ada.post('sessions/claim', { token: visitor.token })
    expect([status, body]).toEqual([200, { conversations: 1, runs: 2 }])

    const { body: list } = await ada.get('runs')
    expect((list['results'] as { id: string }[]).map(({ id }) => id).toSorted()).toEqual(
      [...runIds, before].toSorted(),
    )
    expect((await ada.get(`conversations/${String(conversation['id'])}`)).body['title']).toBe('Mine')
    // The user continues where the visitor stopped.
    await ada.create('echo', inIt)
    await vi.waitUntil(async () => (await ada.get(`runs/${runIds[1]}`)).body['status'] === 'waiting')
    expect((await ada.post(`runs/${runIds[1]}/respond`, { wait: 'leave', value: 'yes' })).status).toBe(200)
    expect((await ada.events(`runs/${runIds[1]}/events`)).at(-1)?.type).toBe('run.succeeded')
    for (const answer of [
      visitor.rest.get(`runs/${runIds[0]}`),
      visitor.rest.get('runs'),
      visitor.rest.post('runs', { agent_key: 'echo' }),
      visitor.rest.post('conversations', {}),
    ]) {
      expect((await answer).status).toBe(401)
    }
    expect((await other.rest.get(`runs/${othersRun}`)).status).toBe(200)
  })

  test('leaves the user’s own conversation its external id, and loses none', async ({ createServer }) => {
    const server = await createServer({ ...options, worker: false })
    const visitor = await enter(server)
    const ada = server.as(ADAS).rest
    const conversation = async (rest: typeof ada, external_id: string) =>
      (await rest.post('conversations', { external_id })).body['id']
    const [theirs, mine] = [await conversation(visitor.rest, 'both'), await conversation(ada, 'both')]
    const only = await conversation(visitor.rest, 'only')
    const gone = await conversation(ada, 'only')
    await ada.request('DELETE', `conversations/${String(gone)}`)

    await ada.post('sessions/claim', { token: visitor.token })

    const { body } = await ada.get('conversations')
    const results = body['results'] as Record<string, unknown>[]
    expect(new Map(results.map(({ id, external_id }) => [id, external_id]))).toEqual(
      new Map([
        [theirs, null],
        [mine, 'both'],
        [only, 'only'],
      ]),
    )
    expect(await conversation(ada, 'both')).toBe(mine)
  })

  test('is claimed while visitor and user make conversations with the same external ids', async ({
    createServer,
    database,
  }) => {
    const quiet = { ...options, worker: false } as const
    const [here, there] = [await createServer(quiet), await createServer(quiet)]
    const keys = Array.from({ length: 6 }, (_, n) => `key ${n}`)
    const visitors = await Promise.all([enter(here), enter(there)])
    const asks = [...visitors.map(({ rest }) => rest), here.as(ADAS).rest, there.as(ADAS).rest]
    const ada = here.as(ADAS).rest
    const made = asks.flatMap((rest, n) =>
      keys.flatMap((external_id) => [
        rest.post('conversations', { external_id }),
        rest.post('runs', {
          agent_key: 'echo',
          conversation: { external_id },
          idempotency_key: `${n} ${external_id}`,
        }),
      ]),
    )
    const claims = visitors.map(({ token }) => ada.post('sessions/claim', { token }))
    expect((await Promise.all(claims)).map(({ status }) => status)).toEqual([200, 200])
    const statuses = (await Promise.all(made)).map(({ status }) => status)
    expect(statuses.filter((status) => ![200, 201, 401].includes(status))).toEqual([])
    // All of the user's runs were created, and each key leads to one.
    expect(statuses.slice(keys.length * 4).filter((status) => status === 401)).toEqual([])
    const rows = await database.sql<{ external_id: string; owner_id: string }>(
      `SELECT external_id, owner_id FROM agent_runtime.conversation WHERE external_id IS NOT NULL ORDER BY 1`,
    )
    expect(rows).toEqual(keys.map((external_id) => ({ external_id, owner_id: ADA.id })))
    const [lost] = await database.sql(
      `SELECT count(*)::int AS count FROM agent_runtime.run r JOIN agent_runtime.conversation c
         ON c.id = r.conversation_id WHERE c.owner_id <> r.owner_id OR r.owner_id <> $1`,
      [ADA.id],
    )
    expect(lost).toEqual({ count: 0 })
  })

  test('is claimed once: 409 afterwards, 404 where there is none', async ({ createServer, database }) => {
    const server = await createServer(options)
    const [visitor, late] = [await enter(server), await enter(server)]
    const ada = server.as(ADAS)
    expect(await ada.trpc.client.sessions.claim.mutate({ token: visitor.token })).toEqual({
      conversations: 0,
      runs: 0,
    })
    for (const user of ['ada', 'bob']) {
      const again = await server.as({ 'x-user': user }).rest.post('sessions/claim', { token: visitor.token })
      expect([again.status, again.body['code']]).toEqual([409, 'conflict'])
    }
    await expect(ada.trpc.client.sessions.claim.mutate({ token: 'x' })).rejects.toMatchObject({
      data: { error: { code: 'not_found' } },
    })
    await database.sql(
      `UPDATE agent_runtime.anonymous_session SET expires_at = now() WHERE claimed_at IS NULL`,
    )
    expect((await ada.rest.post('sessions/claim', { token: late.token })).status).toBe(404)
    expect((await ada.rest.post('sessions/claim', {})).status).toBe(400)
  })

  test('is claimed by users alone', async ({ createServer }) => {
    const server = await createServer(options)
    const visitor = await enter(server)
    const claim = { token: visitor.token }
    expect((await server.rest.post('sessions/claim', claim)).status).toBe(401)
    expect((await visitor.rest.post('sessions/claim', claim)).status).toBe(403)
    expect((await (await enter(server)).rest.post('sessions/claim', claim)).status).toBe(403)
    expect((await server.as({ 'x-user': 'public' }).rest.post('sessions/claim', claim)).status).toBe(403)
    expect((await visitor.rest.get('runs')).status).toBe(200)
    // A signed-in user sends the visitor's token along until it is claimed.
    const both = server.as({ ...ADAS, 'x-anonymous-token': visitor.token }).rest
    expect((await both.post('sessions/claim', claim)).status).toBe(200)
  })

  test('gives up idempotency keys that the user has used too', async ({ createServer, database }) => {
    const server = await createServer(options)
    const visitor = await enter(server)
    const ada = server.as(ADAS).rest
    const key = (idempotency_key: string) => ({ idempotency_key })
    const [adas, same, mine] = [
      await ada.create('echo', key('both')),
      await visitor.rest.create('echo', key('both')),
      await visitor.rest.create('echo', key('mine')),
    ]
    expect((await ada.post('sessions/claim', { token: visitor.token })).body['runs']).toBe(2)
    for (const [name, id] of [
      ['both', adas],
      ['mine', mine],
    ] as const) {
      const { status, body } = await ada.post('runs', { agent_key: 'echo', ...key(name) })
      expect([status, body['id']]).toEqual([200, id])
    }
    expect((await ada.get(`runs/${same}`)).status).toBe(200)
    expect(
      await database.sql(
        `SELECT idempotency_key AS k, fingerprint AS f FROM agent_runtime.run WHERE id = $1`,
        [same],
      ),
    ).toEqual([{ k: null, f: null }])
  })

  test('lets a run that is under way go on, and ends the visitor’s stream of it', async ({
    createServer,
  }) => {
    const { agent, attempt, release } = createHeldAgent()
    const server = await createServer({ ...options, agents: [agent] })
    const visitor = await enter(server)
    const runId = await visitor.rest.create('held')
    const context = await attempt(0)
    const stream = await visitor.rest.stream(`runs/${runId}/events`)
    await stream.until('run.started')
    const ada = server.as(ADAS).rest
    await ada.post('sessions/claim', { token: visitor.token })
    expect(await stream.next()).toBeUndefined()
    const adas = await ada.stream(`runs/${runId}/events`)
    await context.checkpoint({ at: 'half' })
    await context.emitMessage('Still here.')
    release()
    const events = await adas.until('run.succeeded')
    expect(events.map(({ type }) => type)).toContain('assistant.message')
    expect(new Set(events.map((event) => event.attempt))).toEqual(new Set([1]))
  })

  test('waits for what is being created, and takes it along', async ({ createServer, database }) => {
    const server = await createServer({ ...options, worker: false })
    const visitor = await enter(server)
    // A transaction that creates locks the row like this until it commits.
    const creator = await database.connect()
    await creator.query('BEGIN')
    const { rows } = await creator.query('SELECT owner_id FROM agent_runtime.anonymous_session FOR KEY SHARE')
    await creator.query(
      `INSERT INTO agent_runtime.conversation (id, owner_id, owner_kind) VALUES (gen_random_uuid(), $1, 'anonymous')`,
      [rows[0].owner_id],
    )
    const claimed = server.runtime.sessions.claim(ADA, visitor.token)
    await vi.waitUntil(async () => (await waiting(database)) === 1)
    await creator.query('COMMIT')
    expect(await claimed).toEqual({ conversations: 1, runs: 0 })
  })

  test('is waited for by what is created, which is refused then', async ({ createServer, database }) => {
    const server = await createServer({ ...options, worker: false })
    await server.runtime.start()
    const visitor = await enter(server)
    const principal = (await server.runtime.sessions.find(visitor.token)) as Principal
    const claimer = await database.connect()
    await claimer.query('BEGIN')
    await claimer.query('SELECT FROM agent_runtime.anonymous_session FOR UPDATE')
    await claimer.query('UPDATE agent_runtime.anonymous_session SET claimed_at = now()')
    const { runs, conversations } = server.runtime
    const late = Promise.allSettled([
      runs.create(principal, { agentKey: 'echo' }),
      conversations.create(principal, {}),
    ])
    await vi.waitUntil(async () => (await waiting(database)) === 2)
    // Nobody else waits for them.
    await runs.create(ADA, { agentKey: 'echo' })
    await runs.create({ ...principal, id: 'a visitor whom the application knows' }, { agentKey: 'echo' })
    await claimer.query('COMMIT')
    expect((await late).map((one) => one.status === 'rejected' && String(one.reason.code))).toEqual([
      'unauthorized',
      'unauthorized',
    ])
    expect(await database.sql('SELECT FROM agent_runtime.run')).toHaveLength(2)
    expect(await database.sql('SELECT FROM agent_runtime.conversation')).toEqual([])
  })
})

test('a run and what was said in it are read in one statement: no claim comes in between', async ({
  createServer,
}) => {
  const server = await createServer(options)
  const ada = server.as(ADAS).rest
  const messages = [{ role: 'user', content: 'Hi' }]
  const runId = await ada.create('echo', { messages })
  await ada.events(`runs/${runId}/events`)
  const statements = recordStatements()
  expect(said((await server.runtime.runs.get(ADA, runId)).messages)).toEqual(messages)
  expect(statements.countOf('agent_runtime.message')).toBe(1)
  expect(statements.countOf('agent_runtime.run')).toBe(1)
})

/** How many statements wait for a lock. */
async function waiting({ sql }: { sql(text: string): Promise<unknown[]> }): Promise<number> {
  const rows = await sql(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rows.length
}

test('500 visitors who sign in twice, at two servers, while they create, keep all they have, once', async ({
  createServer,
  database,
  signal,
}) => {
  const config = { ...options.config, anonymousSessionsPerAddress: false } as const
  const quiet = { ...options, worker: false, config } as const
  const servers = [await createServer(quiet), await createServer(quiet)] as const
  await Promise.all(servers.map(({ runtime }) => runtime.start()))
  const kept = new Map<string, ReadonlySet<string>>()
  let taken = 0

  async function play(n: number): Promise<void> {
    const [here, there] = n % 2 === 0 ? servers : ([servers[1], servers[0]] as const)
    const { token } = await here.runtime.sessions.create()
    const visitor = (await there.runtime.sessions.find(token)) as Principal
    const user = { ...ADA, id: `user ${n}` }
    const created = new Set<string>()
    const begun = Promise.withResolvers<void>()

    async function create({ runtime }: TestServer): Promise<void> {
      for (;;) {
        try {
          const { id: conversationId } = await runtime.conversations.create(visitor, {})
          created.add(conversationId)
          const inIt = { agentKey: 'echo', conversationId, idempotencyKey: 'the same' } as const
          created.add((await runtime.runs.create(visitor, inIt)).run.id)
        } catch (error) {
          const { code } = error as { code: string }
          // The key was used for another conversation.
          if (code === 'unauthorized') return
          if (code !== 'conflict') throw error
        }
        // Some sign in together, some later.
        if (created.size > n % 7) begun.resolve()
        created.add((await createOne(runtime)) ?? '')
      }
    }
    const createOne = (runtime: TestServer['runtime']) =>
      runtime.runs.create(visitor, { agentKey: 'echo' }).then(
        ({ run }) => run.id,
        () => undefined,
      )

    const claimed = new AbortController()
    const seen: [users: number, visitors: number][] = []
    async function look({ runtime }: TestServer): Promise<void> {
      while (!claimed.signal.aborted) {
        const users = (await runtime.runs.list(user, {})).count
        seen.push([users, (await runtime.runs.list(visitor, {})).count])
      }
    }

    const creating = Promise.all([create(here), create(there), look(there)])
    // It may fail before it is awaited.
    creating.catch(() => {})
    await Promise.race([begun.promise, creating])
    const claims = await Promise.allSettled(
      [here, there].map(({ runtime }) => runtime.sessions.claim(user, token)),
    )
    claimed.abort()
    await creating
    const outcomes = claims.map((one) => (one.status === 'fulfilled' ? 'claimed' : String(one.reason.code)))
    expect(outcomes.toSorted()).toEqual(['claimed', 'conflict'])
    const all = (await here.runtime.runs.list(user, {})).count
    taken += all
    expect((await there.runtime.runs.list(visitor, {})).count).toBe(0)
    for (const [users, visitors] of seen) {
      // All at once. What belongs to the user belongs no more to the visitor.
      expect([0, all]).toContain(users)
      if (users > 0) expect(visitors).toBe(0)
    }
    created.delete('')
    kept.set(user.id, created)
  }
  // As many at once as one process can handle. With all of them it would stop for seconds in mid-transaction.
  const visitors = Array.from({ length: 500 }, (_, n) => n).values()
  async function playAll(): Promise<void> {
    for (const n of visitors) {
      signal.throwIfAborted()
      await play(n)
    }
  }
  await Promise.all(Array.from({ length: 50 }, playAll))

  const owned = await database.sql<{ id: string; owner: string; tenant: string; kind: string }>(
    `SELECT id::text, owner_id AS owner, tenant_id AS tenant, owner_kind AS kind FROM agent_runtime.run
     UNION ALL SELECT id::text, owner_id, tenant_id, owner_kind FROM agent_runtime.conversation`,
  )
  expect(owned.filter(({ tenant, kind }) => tenant !== 'acme' || kind !== 'user')).toEqual([])
  const ownerOf = new Map(owned.map(({ id, owner }) => [id, owner]))
  for (const [user, ids] of kept) for (const id of ids) expect(ownerOf.get(id)).toBe(user)
  expect(taken).toBeGreaterThan(1_000)
  expect(await database.sql('SELECT FROM agent_runtime.anonymous_session WHERE claimed_at IS NULL')).toEqual(
    [],
  )
}, 300_000)
