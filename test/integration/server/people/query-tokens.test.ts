// A browser's EventSource and WebSocket cannot set headers, so the URL says who opens the stream.
import { inspect } from 'node:util'
import { describe, expect } from 'vitest'
import { AgentRuntimeError, defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import { bearerToken } from '../../../../server/auth/index.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { openRawSocket } from '../../../support/raw-socket.ts'
import { test as base } from '../../../support/runtime.ts'
import type { TestServer } from '../../../support/runtime.ts'

const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })
const ADA = { id: 'ada', tenantId: '', kind: 'user' } as const
const SECRET = 'bearer-of-ada'

interface Scene extends TestServer {
  /** The token of a visitor who has a run. */
  token: string
  visitorsRun: string
  adasRun: string
  seenUrls: string[]
}

/** Knows one token, and takes every other token for an invalid one of its own. */
function authenticate(request: Request): Principal | null {
  const token = bearerToken(request)
  if (token === SECRET) return ADA
  if (token === null) return null
  throw new AgentRuntimeError('unauthorized', 'The token is not valid.')
}

const test = base.extend<{ scene: Scene }>({
  scene: async ({ createServer }, use) => {
    const seenUrls: string[] = []
    const server = await createServer({
      agents: [echo],
      anonymousSessions: true,
      authenticate(request) {
        seenUrls.push(request.url)
        return authenticate(request)
      },
    })
    const { token } = await server.runtime.sessions.create()
    const [visitor, ada] = [
      server.as({ 'x-anonymous-token': token }),
      server.as({ authorization: `Bearer ${SECRET}` }),
    ]
    const [visitorsRun, adasRun] = [await visitor.rest.create('echo'), await ada.rest.create('echo')]
    await visitor.rest.events(`runs/${visitorsRun}/events`)
    await ada.rest.events(`runs/${adasRun}/events`)
    await use({ ...server, token, visitorsRun, adasRun, seenUrls })
  },
})

type Faces = Record<string, (scene: Scene, runId: string, query: string) => Promise<boolean>>

const subscriptionOf = (runId: string, query: string) =>
  `/trpc/runs.events?input=${encodeURIComponent(JSON.stringify({ runId }))}&${query}`

/** Whether a stream shows the run to the caller named by the query. */
const FACES: Faces = {
  'REST events': async ({ rest }, runId, query) => {
    const headers = { accept: 'text/event-stream' }
    const answer = await rest.send(`runs/${runId}/events?from_seq=1&${query}`, { headers })
    return (await answer.text()).includes('run.succeeded')
  },
  'REST events/stream': async ({ rest }, runId, query) => {
    const answer = await rest.send(`runs/${runId}/events/stream?${query}`, {})
    return (await answer.text()).includes('run.succeeded')
  },
  'tRPC subscription': async ({ rest }, runId, query) =>
    (await (await rest.send(subscriptionOf(runId, query), {})).text()).includes('run.succeeded'),
  'tRPC subscription, written by tRPC': async ({ rest }, runId, query) => {
    const headers = { 'trpc-accept': 'text/event-stream' }
    return (await (await rest.send(subscriptionOf(runId, query), { headers })).text()).includes(
      'run.succeeded',
    )
  },
  WebSocket: async ({ runtime }, runId, query) => {
    await using host = await hostRuntimes(runtime)
    using socket = await openRawSocket(`${host.socketUrl}?${query}`)
    socket.send({ id: 1, method: 'subscription', params: { path: 'runs.events', input: { runId } } })
    const answers = await socket.until(
      ({ error, result }) => error !== undefined || result?.type === 'stopped',
    )
    return answers.some(({ result }) => result?.data?.data.type === 'run.succeeded')
  },
}

describe.each(Object.entries(FACES))('%s', (_, shows) => {
  test('lets in who says so in the URL', async ({ scene }) => {
    const { token, visitorsRun, adasRun, seenUrls } = scene
    const stranger = (await scene.runtime.sessions.create()).token
    seenUrls.length = 0
    for (const query of [
      `anonymous_token=${token}`,
      `token=${token}`,
      `anonymous_token=${token}&token=${token}`,
    ]) {
      const shown = [await shows(scene, visitorsRun, query), await shows(scene, adasRun, query)]
      expect([query, ...shown]).toEqual([query, true, false])
    }
    expect(await shows(scene, adasRun, `token=${SECRET}`)).toBe(true)
    expect(await shows(scene, visitorsRun, `token=${SECRET}`)).toBe(false)
    // A signed-in caller is that user.
    expect(await shows(scene, adasRun, `token=${SECRET}&anonymous_token=${token}`)).toBe(true)
    for (const query of [
      '',
      'token=',
      `anonymous_token=${stranger}`,
      'token=wrong',
      'token=%0d%0a',
      'ticket=x',
    ]) {
      expect([query, await shows(scene, visitorsRun, query)]).toEqual([query, false])
    }
    expect(seenUrls.join('\n')).not.toMatch(/token=|ticket=x|bearer-of-ada/)
  })
})

test('what came as a header goes before what the URL says', async ({ scene }) => {
  const { token, visitorsRun, as } = scene
  const wrong = await as({ authorization: 'Bearer wrong' }).rest.get(
    `runs/${visitorsRun}/events?token=${SECRET}`,
  )
  expect(wrong.status).toBe(401)
  const { token: other } = await scene.runtime.sessions.create()
  const visitor = as({ 'x-anonymous-token': token }).rest
  expect((await visitor.get(`runs/${visitorsRun}/events?anonymous_token=${other}`)).status).toBe(200)
})

test('no token in a URL lets anybody do anything else', async ({ scene }) => {
  const { rest, token, visitorsRun, adasRun } = scene
  for (const [query, runId] of [
    [`anonymous_token=${token}`, visitorsRun],
    [`token=${token}`, visitorsRun],
    [`token=${SECRET}`, adasRun],
  ] as const) {
    const answers = [
      rest.get(`runs?${query}`),
      rest.get(`runs/${runId}?${query}`),
      rest.get(`conversations?${query}`),
      rest.post(`runs?${query}`, { agent_key: 'echo' }),
      rest.post(`runs/${runId}/cancel?${query}`),
      rest.post(`runs/${runId}/events?${query}`),
      rest.get(`/trpc/runs.list?${query}`),
      rest.get(`/trpc/runs.list,conversations.list?batch=1&${query}`),
    ]
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(answers.map(() => 401))
  }
})

test('no log has what a URL lets somebody in by', async ({ createServer }) => {
  const secrets = ['a-secret-token', 'a-secret-visitor', 'a-secret-ticket']
  const query = `token=${secrets[0]}&anonymous_token=${secrets[1]}&ticket=${secrets[2]}`
  let failure: (request: Request) => unknown = () => null
  const { runtime, rest, log } = await createServer({
    agents: [echo],
    anonymousSessions: true,
    authenticate: (request) => failure(request) as null,
  })
  const id = '01a208e9-0000-7000-8000-000000000000'
  const paths = [
    `runs/${id}/events?${query}`,
    `runs/${id}/events/stream?${query}`,
    `/trpc/runs.events?input=${encodeURIComponent(JSON.stringify({ runId: id }))}&${query}`,
  ]
  const failures: ((request: Request) => unknown)[] = [
    () => null,
    () => ({ id: 'no principal' }),
    // Applications see what they are asked.
    ({ url }) => Promise.reject(new Error(`Could not tell who asks for ${url}`)),
    ({ url }) => Promise.reject(new AgentRuntimeError('forbidden', `Nobody may ask for ${url}`)),
  ]
  await using host = await hostRuntimes(runtime)
  for (const one of failures) {
    failure = one
    for (const path of paths) await (await rest.send(path.replace(/&ticket=.*/, ''), {})).text()
    for (const path of paths) await (await rest.send(path, {})).text()
    using socket = await openRawSocket(`${host.socketUrl}?${query}`)
    socket.send({ id: 1, method: 'query', params: { path: 'runs.list', input: {} } })
    await socket.until(() => true)
  }
  const lines = log.map(({ fields, message }) => message + inspect(fields, { depth: 10 }))
  expect(lines.length).toBeGreaterThan(10)
  expect(lines.join('\n')).toContain('Could not tell who asks for')
  for (const secret of secrets) expect(lines.join('\n')).not.toContain(secret)
})
