// What one client's sockets may cost others, and how long they last.
import { once } from 'node:events'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { describe, expect, vi } from 'vitest'
import { createAgentClient } from '../../../../client/index.ts'
import type { AgentRouter } from '../../../../server/api/router.ts'
import { defineAgent, ownersOnly } from '../../../../server/index.ts'
import type { Principal, Settings } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { openRawSocket } from '../../../support/raw-socket.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'
import type { LogEntry } from '../../../support/silent-logger.ts'

const quick = defineAgent({ key: 'quick', run: (ctx) => ctx.emitMessage('done') })
const PATIENT = { timeout: 20_000 }

const user = (id: string): Principal => ({ id, tenantId: '', kind: 'user' })
/** Asks for something that does not exist: a caller who may ask gets 404. */
const get = (id: number) => ({ id, method: 'query', params: { path: 'runs.none' } })
const follow = (id: number, runId: string) => ({
  id,
  method: 'subscription',
  params: { path: 'runs.events', input: { runId } },
})
const gets = (count: number) => Array.from({ length: count }, (_, index) => get(index + 1))

/** The header names the caller, as long as the door admits that one. */
function createDoor() {
  const door = {
    asked: 0,
    admit: (id: string): Principal | null => user(id),
    authenticate(request: Request): Principal | null {
      door.asked += 1
      const id = request.headers.get('authorization')
      return id === null ? null : door.admit(id)
    },
  }
  return door
}

/** A server whose sockets authenticate callers by a door. */
async function serveDoor(createServer: CreateServer, config: Settings = {}) {
  const door = createDoor()
  const { authenticate } = door
  const { runtime } = await createServer({ agents: [quick], worker: false, authenticate, config })
  const host = await hostRuntimes(runtime)
  return { door, host, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
}

/** The refusals in the log. */
const refusalsIn = (log: readonly LogEntry[]) =>
  log
    .filter(({ message }) => message === 'refused a request')
    .map(({ fields }) => `${String(fields['code'])} ${String(fields['request'])}`)

test('one who is refused again and again is read from later, and others are not', async ({
  createServer,
}) => {
  await using served = await serveDoor(createServer, { refusalsPerSecond: 1 })
  const { host } = served
  using mallory = await openRawSocket(host.socketUrl, { params: { authorization: 'mallory' } })
  using bob = await openRawSocket(host.socketUrl, { params: { authorization: 'bob' } })
  // Messages that had arrived by then are answered; later ones wait.
  for (const message of gets(3)) mallory.send(message)
  await mallory.until(({ id }) => id === 3)
  mallory.send(get(4))
  bob.send(get(5))
  await bob.until(({ id }) => id === 5)
  expect(mallory.answers).toHaveLength(3)
  await mallory.until(({ id }) => id === 4)
})

describe('a message', () => {
  test('of thousands of calls is refused before anybody is asked about them', async ({ createServer }) => {
    await using served = await serveDoor(createServer)
    const { door, host } = served
    using raw = await openRawSocket(host.socketUrl)
    raw.send(Array.from({ length: 16_000 }, (_, id) => ({ id, method: 'query', params: { path: 'a' } })))
    expect(await raw.closed).toBe(1008)
    expect(raw.answers).toMatchObject([
      { id: null, error: { data: { error: { code: 'payload_too_large', details: { maxCalls: 1_000 } } } } },
    ])
    expect(door.asked).toBe(0)
  })

  test('of many calls is from one caller, who is asked for once', async ({ createServer }) => {
    await using served = await serveDoor(createServer)
    const { door, host } = served
    for (const [params, status] of [
      [{}, 401],
      [{ authorization: 'ada' }, 404],
    ] as const) {
      door.asked = 0
      using raw = await openRawSocket(host.socketUrl, { params })
      raw.send(gets(200))
      await vi.waitUntil(() => raw.answers.length === 200, PATIENT)
      expect(new Set(raw.answers.map(({ error }) => error?.data.httpStatus))).toEqual(new Set([status]))
      expect(new Set(raw.answers.map(({ id }) => id)).size).toBe(200)
      expect(door.asked).toBe(1)
    }
  })

  test('after others is looked into when these are, and all are answered', async ({ createServer }) => {
    await using served = await serveDoor(createServer)
    const { door, host } = served
    using raw = await openRawSocket(host.socketUrl, { params: { authorization: 'ada' } })
    const calls = gets(1_500)
    for (const call of calls) raw.send(call)
    await vi.waitUntil(() => raw.answers.length === calls.length, PATIENT)
    expect(door.asked).toBeLessThan(calls.length / 10)
  })

  test('that is nested without end is refused', async ({ createServer }) => {
    const { runtime } = await createServer({ agents: [quick], worker: false })
    await using host = await hostRuntimes(runtime)
    using raw = await openRawSocket(host.socketUrl)
    const deep = '['.repeat(400_000) + ']'.repeat(400_000)
    raw.socket.send(
      `{"id":1,"method":"mutation","params":{"path":"runs.create","input":{"agentKey":"quick","params":${deep}}}}`,
    )
    const [refused] = await raw.until(({ id }) => id === 1)
    expect(refused?.error?.data.error.code).toBe('validation_failed')
  })
})

describe('somebody nobody knows', () => {
  test('is shown the door after ten messages', async ({ createServer }) => {
    await using served = await serveDoor(createServer)
    const { door, host } = served
    using raw = await openRawSocket(host.socketUrl)
    for (let id = 1; id <= 10; id += 1) {
      raw.send(get(id))
      const [answer] = await raw.until((one) => one.id === id)
      expect(answer?.error?.data.httpStatus).toBe(401)
    }
    expect(await raw.closed).toBe(1008)
    expect(door.asked).toBe(10)
  })

  test('keeps no socket without a word', async ({ createServer }) => {
    const config = { streamReauthenticateSeconds: 0.05 }
    const { runtime } = await createServer({
      agents: [quick],
      worker: false,
      authenticate: () => null,
      config,
    })
    await using host = await hostRuntimes(runtime)
    using silent = await openRawSocket(host.socketUrl)
    expect(await silent.closed).toBe(1008)
  })
})

describe('a socket', () => {
  test('carries so many subscriptions, and another as soon as one is stopped', async ({ createServer }) => {
    const { agent, release } = createHeldAgent()
    const config = { subscriptionsPerSocket: 3 }
    const { runtime, rest, log } = await createServer({ agents: [agent], config })
    await using host = await hostRuntimes(runtime)
    const runId = await rest.create('held')
    using raw = await openRawSocket(host.socketUrl)
    raw.send([1, 2, 3, 4].map((id) => follow(id, runId)))
    const refused = (await raw.until(({ error }) => error !== undefined)).at(-1)
    expect(refused).toMatchObject({
      id: 4,
      error: { data: { httpStatus: 429, error: { code: 'rate_limited', details: { maxSubscriptions: 3 } } } },
    })
    expect(refusalsIn(log)).toEqual(['rate_limited GET /trpc'])
    await vi.waitUntil(
      () => raw.answers.filter(({ result }) => result?.type === 'started').length === 3,
      PATIENT,
    )
    raw.send([{ id: 2, method: 'subscription.stop' }, follow(4, runId)])
    await raw.until(({ id, result }) => id === 2 && result?.type === 'stopped')
    await raw.until(({ id, result }) => id === 4 && result?.type === 'started')
    release()
    await raw.until(({ id, result }) => id === 4 && result?.type === 'stopped')
  })

  test('that is full is followed by another, and a client follows more runs than one carries', async ({
    createServer,
  }) => {
    const { agent, release } = createHeldAgent()
    const { runtime, rest } = await createServer({ agents: [agent], config: { subscriptionsPerSocket: 3 } })
    await using host = await hostRuntimes(runtime)
    const client = createAgentClient<typeof runtime>({ url: `${host.url}/trpc`, transport: 'websocket' })
    const ids = await Promise.all(Array.from({ length: 8 }, () => rest.create('held')))
    const runs = await Promise.all(ids.map((id) => client.runs.follow(id)))
    const begun = new Set<string>()
    const followed = runs.map(async (run): Promise<string | undefined> => {
      const types: string[] = []
      for await (const { type } of run.events()) {
        begun.add(run.id)
        types.push(type)
      }
      return types.at(-1)
    })
    await vi.waitUntil(() => begun.size === 8, PATIENT)
    expect(host.sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(3)
    release()
    expect(await Promise.all(followed)).toEqual(runs.map(() => 'run.succeeded'))
  })

  test('is one of so many of a caller', async ({ createServer }) => {
    await using served = await serveDoor(createServer, {
      socketsPerPrincipal: 2,
      streamReauthenticateSeconds: 600,
    })
    const { host } = served
    const open = async (authorization: string) => {
      const raw = await openRawSocket(host.socketUrl, { params: { authorization } })
      raw.send(get(1))
      const [answer] = await raw.until(({ id }) => id === 1)
      return { raw, status: answer?.error?.data.httpStatus }
    }
    const first = await open('ada')
    const second = await open('ada')
    expect([first.status, second.status]).toEqual([404, 404])
    const third = await open('ada')
    expect(third.status).toBe(429)
    expect(await third.raw.closed).toBe(1013)
    const other = await open('bob')
    expect(other.status).toBe(404)
    first.raw.socket.close()
    await first.raw.closed
    await vi.waitUntil(() => host.sockets[0]?.destroyed, PATIENT)
    const fourth = await open('ada')
    expect(fourth.status).toBe(404)
    for (const { raw } of [second, other, fourth]) raw.socket.terminate()
  })
})

describe('a stream that is open', () => {
  const changes: [string, () => Principal | null][] = [
    ['whose session has ended', () => null],
    ['that is somebody else’s now', () => user('bob')],
  ]
  test.for(changes)('of a caller %s ends', async ([, then], { createServer }) => {
    const { agent, release } = createHeldAgent()
    const door = createDoor()
    const config = { streamReauthenticateSeconds: 0.1 }
    const { runtime, as } = await createServer({ agents: [agent], authenticate: door.authenticate, config })
    const { rest } = as({ authorization: 'ada' })
    await using host = await hostRuntimes(runtime)
    const runId = await rest.create('held')
    using raw = await openRawSocket(host.socketUrl, { params: { authorization: 'ada' } })
    raw.send([follow(1, runId), follow(2, runId)])
    await raw.until(({ id, result }) => id === 2 && result?.type === 'data')
    door.admit = then
    expect(await raw.closed).toBe(1008)
    for (const stream of [1, 2]) {
      const [refusal, stopped] = raw.answers.filter(({ id }) => id === stream).slice(-2)
      expect(refusal?.error?.data).toMatchObject({ code: 'UNAUTHORIZED', error: { code: 'unauthorized' } })
      expect(stopped?.result?.type).toBe('stopped')
    }
    door.admit = user
    release()
    await rest.events(`runs/${runId}/events`)
  })

  test('of more than its reader may see by now ends, and others on the socket go on', async ({
    createServer,
  }) => {
    const { agent, release } = createHeldAgent()
    let isTrusted = true
    const { runtime, rest } = await createServer({
      agents: [agent],
      config: { streamReauthenticateSeconds: 0.1 },
      authorize: (...asked) => (asked[1] === 'includeAll' ? isTrusted : ownersOnly(...asked)),
    })
    await using host = await hostRuntimes(runtime)
    const runId = await rest.create('held')
    using raw = await openRawSocket(host.socketUrl)
    const input = { runId, includeAll: true }
    raw.send([follow(1, runId), { id: 2, method: 'subscription', params: { path: 'runs.events', input } }])
    await raw.until(({ id, result }) => id === 2 && result?.type === 'data')
    isTrusted = false
    const ending = await raw.until(({ id, result }) => id === 2 && result?.type === 'stopped')
    expect(ending.at(-2)).toMatchObject({ id: 2, error: { data: { error: { code: 'forbidden' } } } })
    release()
    const others = await raw.until(({ id, result }) => id === 1 && result?.type === 'stopped')
    expect(others.at(-2)?.result?.data?.data.type).toBe('run.succeeded')
  })

  test('goes on while nobody can say who is calling', async ({ createServer }) => {
    const { agent, release } = createHeldAgent()
    const door = createDoor()
    const config = { streamReauthenticateSeconds: 0.05 }
    const { runtime, as } = await createServer({ agents: [agent], authenticate: door.authenticate, config })
    await using host = await hostRuntimes(runtime)
    const runId = await as({ authorization: 'ada' }).rest.create('held')
    using raw = await openRawSocket(host.socketUrl, { params: { authorization: 'ada' } })
    raw.send(follow(1, runId))
    await raw.until(({ result }) => result?.type === 'data')
    let failures = 0
    door.admit = () => {
      failures += 1
      throw new Error('The session store is away.')
    }
    await vi.waitUntil(() => failures >= 3, PATIENT)
    door.admit = user
    release()
    const rest = await raw.until(({ result }) => result?.type === 'stopped')
    expect(rest.at(-2)?.result?.data?.data.type).toBe('run.succeeded')
  })

  test('outlives its socket, which grows only so old', async ({ createServer }) => {
    const { agent, release } = createHeldAgent()
    const config = { streamMaxAgeSeconds: 0.2 }
    const { runtime, rest } = await createServer({ agents: [agent], config })
    await using host = await hostRuntimes(runtime)
    const runId = await rest.create('held')
    const ours = createAgentClient<typeof runtime>({
      url: `${host.url}/trpc`,
      transport: 'websocket',
      reconnect: { initialDelayMs: 5, maxDelayMs: 50 },
    })
    const socket = createWSClient({ url: host.socketUrl, retryDelayMs: () => 5 })
    const { runs } = createTRPCClient<AgentRouter>({ links: [wsLink({ client: socket })] })
    const theirs: number[] = []
    const ended = Promise.withResolvers<void>()
    const { resolve: onComplete, reject: onError } = ended
    runs.events.subscribe({ runId }, { onData: ({ data }) => theirs.push(data.seq), onComplete, onError })
    const own: number[] = []
    const run = await ours.runs.follow(runId)
    const following = (async () => {
      for await (const { seq } of run.events()) own.push(seq)
    })()
    await vi.waitUntil(() => host.sockets.length >= 8, PATIENT)
    release()
    await Promise.all([following, ended.promise])
    expect(own).toEqual(theirs)
    expect(own).toEqual(own.map((_, index) => index + 1))
    await socket.close()
  })

  test('of a client that stays on an old socket is cut off there', async ({ createServer }) => {
    const { agent, release } = createHeldAgent()
    const config = { streamMaxAgeSeconds: 0.05 }
    const { runtime, rest } = await createServer({ agents: [agent], config })
    await using host = await hostRuntimes(runtime)
    const runId = await rest.create('held')
    using raw = await openRawSocket(host.socketUrl)
    raw.send(follow(1, runId))
    expect(await raw.closed).toBe(1012)
    expect(raw.answers).toContainEqual({ id: null, method: 'reconnect' })
    release()
    await rest.events(`runs/${runId}/events`)
  })
})

test('headers that are not taken over a socket are sent another way', async ({ createServer }) => {
  const { runtime, log } = await createServer({
    agents: [quick],
    authenticate: (request) => (request.headers.get('x-team') === 'red' ? user('ada') : null),
  })
  await using host = await hostRuntimes(runtime)
  const client = createAgentClient<typeof runtime>({ url: `${host.url}/trpc`, headers: { 'x-team': 'red' } })
  for (let index = 0; index < 2; index += 1) {
    const run = await client.runs.create({ agentKey: 'quick' })
    const types: string[] = []
    for await (const { type } of run.events()) types.push(type)
    expect(types.at(-1)).toBe('run.succeeded')
  }
  // The second stream does not try again.
  expect(refusalsIn(log)).toEqual(['forbidden GET /trpc'])
  expect(host.sockets).toHaveLength(1)
  if (host.sockets[0]?.destroyed !== true) await once(host.sockets[0]!, 'close')
})
