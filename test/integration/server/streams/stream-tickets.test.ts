// A ticket in the URL opens a stream, for a browser's EventSource.
import { SignJWT } from 'jose'
import { afterEach, describe, expect, vi } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { Authorize, Principal } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { openRawSocket } from '../../../support/raw-socket.ts'
import { test } from '../../../support/runtime.ts'
import type { TestServer } from '../../../support/runtime.ts'

const tells = defineAgent({
  key: 'tells',
  async run(ctx) {
    await ctx.emitMessage('Hello.')
    return { output: 'done' }
  },
})
const ADA = { id: 'ada', tenantId: '', kind: 'user' } as const
const ADAS = { 'x-user': 'ada' }

function authenticate(request: Request): Principal | null {
  const id = request.headers.get('x-user')
  return id === null ? null : { ...ADA, id }
}
const options = { agents: [tells], anonymousSessions: true, authenticate } as const

/** The headers of an EventSource, none of which the page sets. */
const open = ({ rest }: Pick<TestServer, 'rest'>, path: string) =>
  rest.send(path, { headers: { accept: 'text/event-stream' } })

async function typesAt(server: Pick<TestServer, 'rest'>, path: string): Promise<string[]> {
  const answer = await open(server, path)
  expect(answer.status).toBe(200)
  return [...(await answer.text()).matchAll(/^event: (.*)$/gm)].map(([, type = '']) => type)
}

async function ticketOf(rest: TestServer['rest'], runId: string, body?: object): Promise<string> {
  const answer = await rest.post(`runs/${runId}/ticket`, body)
  expect(answer.status).toBe(200)
  return String(answer.body['ticket'])
}

async function createScene(server: TestServer) {
  const ada = server.as(ADAS)
  const runId = await ada.rest.create('tells')
  await ada.rest.events(`runs/${runId}/events`)
  return { ada, runId }
}

afterEach(() => void vi.useRealTimers())

describe('a ticket', () => {
  test('opens the stream of its run, at any server, from any event on', async ({ createServer }) => {
    const [server, another] = [await createServer(options), await createServer({ ...options, worker: false })]
    const { ada, runId } = await createScene(server)
    const { body } = await ada.rest.post(`runs/${runId}/ticket/`)
    expect(Object.keys(body).toSorted()).toEqual(['expires_at', 'ticket'])
    const seconds = (Date.parse(String(body['expires_at'])) - Date.now()) / 1000
    expect(seconds).toBeGreaterThan(55)
    expect(seconds).toBeLessThanOrEqual(60)
    const ticket = String(body['ticket'])
    for (const one of [server, another]) {
      expect(await typesAt(one, `runs/${runId}/events/?ticket=${ticket}`)).toEqual([
        'run.started',
        'assistant.message',
        'run.succeeded',
      ])
      const rest = await typesAt(one, `runs/${runId}/events/stream/?from_seq=3&ticket=${ticket}`)
      expect(rest.at(-1)).toBe('run.succeeded')
      expect(rest).not.toContain('run.started')
    }
    const made = await ada.trpc.client.runs.ticket.mutate({ runId })
    expect(await typesAt(another, `runs/${runId}/events/?ticket=${made.ticket}`)).toContain('run.succeeded')
    const bodiless = await server.rest.send(`runs/${runId}/ticket`, { method: 'POST', headers: ADAS })
    expect(bodiless.status).toBe(200)
  })

  test('opens the stream of its conversation, and of nothing else', async ({ createServer }) => {
    const server = await createServer(options)
    const { ada, runId } = await createScene(server)
    const conversationOf = async () => String((await ada.rest.post('conversations', {})).body['id'])
    const [id, other] = [await conversationOf(), await conversationOf()]
    await ada.rest.create('tells', { conversation_id: id })
    const { status, body } = await ada.rest.post(`conversations/${id}/ticket/`)
    expect([status, Object.keys(body).toSorted()]).toEqual([200, ['expires_at', 'ticket']])
    const made = await ada.trpc.client.conversations.ticket.mutate({ conversationId: id })
    for (const ticket of [String(body['ticket']), made.ticket]) {
      const stream = await server.rest.stream(`conversations/${id}/events/?ticket=${ticket}&include_all=true`)
      const events = await stream.until('run.succeeded')
      expect(events.map(({ type }) => type)).toEqual([
        'run.created',
        'run.started',
        'assistant.message',
        'run.succeeded',
      ])
      // It shows only what it was created for.
      expect(events.at(-1)?.payload).toEqual({})
      await stream.close()
      for (const path of [`conversations/${other}/events/`, `runs/${runId}/events/`, `runs/${id}/events/`]) {
        expect((await open(server, `${path}?ticket=${ticket}`)).status).toBe(401)
      }
    }
    const ofRun = await ticketOf(ada.rest, runId)
    expect((await open(server, `conversations/${runId}/events/?ticket=${ofRun}`)).status).toBe(401)
    expect((await server.rest.get(`conversations/${id}/events/?ticket=${made.ticket}`)).status).toBe(401)
  })

  test('opens nothing else: no other run, no other route', async ({ createServer }) => {
    const server = await createServer(options)
    const { ada, runId } = await createScene(server)
    const other = await ada.rest.create('tells')
    const query = `ticket=${await ticketOf(ada.rest, runId)}`
    const { rest } = server
    const input = encodeURIComponent(JSON.stringify({ runId }))
    const statuses = await Promise.all([
      open(server, `runs/${other}/events/?${query}`),
      rest.send(`runs/${runId}/events/?${query}`, { headers: { accept: 'application/json' } }),
      rest.send(`runs/${runId}/events/?${query}`, { method: 'HEAD' }),
      rest.send(`runs/${runId}/?${query}`, {}),
      rest.send(`runs/?${query}`, {}),
      rest.send(`runs/${runId}/cancel/?${query}`, { method: 'POST' }),
      rest.send(`runs/${runId}/ticket/?${query}`, { method: 'POST' }),
      rest.send(`/trpc/runs.get?input=${input}&${query}`, {}),
    ])
    expect(statuses.map(({ status }) => status)).toEqual(statuses.map(() => 401))
    const subscription = await rest.send(`/trpc/runs.events?input=${input}&${query}`, {})
    expect(await subscription.text()).toContain('"code":"unauthorized"')
    await using host = await hostRuntimes(server.runtime)
    using socket = await openRawSocket(`${host.socketUrl}?${query}`)
    socket.send({ id: 1, method: 'query', params: { path: 'runs.get', input: { runId } } })
    expect((await socket.until(() => true))[0]).toMatchObject({ error: { data: { httpStatus: 401 } } })
  })

  test('shows what it was made for, whatever the URL says', async ({ createServer }) => {
    const server = await createServer(options)
    const { ada, runId } = await createScene(server)
    const plain = await ticketOf(ada.rest, runId, { include_debug: false })
    const all = await ticketOf(ada.rest, runId, { include_all: true })
    // Users are not told what a run returned.
    const tellsAll = async (path: string) =>
      (await (await open(server, path)).text()).includes('"payload":{"output":"done"')
    expect(await tellsAll(`runs/${runId}/events/?include_all=true&ticket=${plain}`)).toBe(false)
    expect(await tellsAll(`runs/${runId}/events/?ticket=${all}`)).toBe(true)
  })

  test('is not to be had for what its maker may not see', async ({ createServer }) => {
    const server = await createServer(options)
    const { runId } = await createScene(server)
    const { token } = await server.runtime.sessions.create()
    const [bob, visitor] = [server.as({ 'x-user': 'bob' }), server.as({ 'x-anonymous-token': token })]
    expect((await bob.rest.post(`runs/${runId}/ticket`)).status).toBe(404)
    expect((await server.rest.post(`runs/${runId}/ticket`)).status).toBe(401)
    expect((await bob.rest.post('runs/nonsense/ticket')).status).toBe(400)
    const visitors = await visitor.rest.create('tells')
    expect((await visitor.rest.post(`runs/${visitors}/ticket`, { include_all: true })).status).toBe(403)
    const query = `ticket=${await ticketOf(visitor.rest, visitors)}`
    expect(await typesAt(server, `runs/${visitors}/events/?${query}`)).toContain('run.succeeded')
    // A ticket of the visitor does not show what became the user's.
    await server.runtime.sessions.claim(ADA, token)
    expect((await open(server, `runs/${visitors}/events/?${query}`)).status).toBe(404)
  })

  test('is good for a minute to begin a stream, which goes on', async ({ createServer }) => {
    const { agent, attempt, release } = createHeldAgent()
    const config = { streamReauthenticateSeconds: 0.05 }
    const server = await createServer({ ...options, agents: [agent], config })
    const ada = server.as(ADAS).rest
    const runId = await ada.create('held')
    const context = await attempt(0)
    const ticket = await ticketOf(ada, runId)
    const stream = await server.rest.stream(`runs/${runId}/events?ticket=${ticket}`)
    await stream.until('run.started')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 })
    const late = await open(server, `runs/${runId}/events?ticket=${ticket}`)
    expect([late.status, await late.json()]).toMatchObject([
      401,
      { code: 'unauthorized', error: 'The ticket is not valid or has expired: get another one.' },
    ])
    vi.useRealTimers()
    await context.emitMessage('Still here.')
    release()
    expect((await stream.until('run.succeeded')).map(({ type }) => type)).toContain('assistant.message')
  })

  test('shows no more when its maker may see the run no more', async ({ createServer }) => {
    const { agent, release } = createHeldAgent()
    let sees = true
    const authorize: Authorize = (...asked) => (asked[1] === 'read' ? (sees ? 'own' : false) : true)
    const config = { streamReauthenticateSeconds: 0.05 }
    const server = await createServer({ ...options, agents: [agent], config, authorize })
    const ada = server.as(ADAS).rest
    const runId = await ada.create('held')
    const stream = await server.rest.stream(`runs/${runId}/events?ticket=${await ticketOf(ada, runId)}`)
    await stream.until('run.started')
    sees = false
    expect(await stream.next()).toBeUndefined()
    release()
  })

  test('is none that somebody else has made, or that was changed', async ({ createServer, database }) => {
    const server = await createServer(options)
    const { ada, runId } = await createScene(server)
    const ticket = await ticketOf(ada.rest, runId)
    const [header = '', payload = '', signature = ''] = ticket.split('.')
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { kid?: string }
    expect(claims).toEqual({
      sub: 'ada',
      tenant: '',
      kind: 'user',
      run: runId,
      debug: false,
      all: false,
      exp: expect.any(Number),
    })
    const ownHeader = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: string; kid: string }
    const [key] = await database.sql<{ secret: Buffer }>('SELECT secret FROM agent_runtime.signing_key')
    const sign = (more: object, secret: Uint8Array = key?.secret ?? new Uint8Array()) =>
      new SignJWT({ ...claims, ...more }).setProtectedHeader(ownHeader).sign(secret)
    expect((await open(server, `runs/${runId}/events?ticket=${await sign({})}`)).status).toBe(200)
    for (const forged of [
      'x',
      `${header}.${encode({ ...claims, all: true })}.${signature}`,
      `${encode({ ...ownHeader, alg: 'none' })}.${payload}.`,
      await sign({}, new Uint8Array(32)),
      await sign({ exp: undefined }),
      // Kinds that there may be later.
      await sign({ run: undefined, conversation: runId }),
    ]) {
      expect((await open(server, `runs/${runId}/events?ticket=${forged}`)).status).toBe(401)
    }
  })

  test('is worth nothing when the key was deleted, and all servers make others with the next one', async ({
    createServer,
    database,
  }) => {
    const [server, another] = [await createServer(options), await createServer({ ...options, worker: false })]
    const { ada, runId } = await createScene(server)
    const others = another.as(ADAS).rest
    // All at once, with one key.
    const tickets = await Promise.all(
      [ada.rest, others, ada.rest, others].map((rest) => ticketOf(rest, runId)),
    )
    const statuses = async () => {
      const asked = [server, another].flatMap((one) =>
        tickets.map((ticket) => open(one, `runs/${runId}/events?ticket=${ticket}`)),
      )
      return new Set((await Promise.all(asked)).map(({ status }) => status))
    }
    expect(await statuses()).toEqual(new Set([200]))
    await database.sql('DELETE FROM agent_runtime.signing_key')
    expect(await statuses()).toEqual(new Set([401]))
    const fresh = await ticketOf(others, runId)
    expect((await open(server, `runs/${runId}/events?ticket=${fresh}`)).status).toBe(200)
  })
})
