// A stream can stay open longer than the right to read it.
import { describe, expect, vi } from 'vitest'
import type { Principal } from '../../../../server/index.ts'
import { AgentRuntimeError, ownersOnly } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const ADA = { id: 'ada', tenantId: '', kind: 'user' } as const
const config = { streamReauthenticateSeconds: 0.05 }
const urlOf = (runId: string) => `/trpc/runs.events?input=${encodeURIComponent(JSON.stringify({ runId }))}`

describe('a stream whose reader', () => {
  test.for<{ what: string; answer: () => Principal | null; code: string }>([
    { what: 'has signed out', answer: () => null, code: 'unauthorized' },
    { what: 'is somebody else by now', answer: () => ({ ...ADA, id: 'bob' }), code: 'unauthorized' },
    {
      what: 'is of another kind by now',
      answer: () => ({ ...ADA, kind: 'anonymous' }),
      code: 'unauthorized',
    },
    {
      what: 'was banned',
      answer() {
        throw new AgentRuntimeError('forbidden', 'Banned.')
      },
      code: 'forbidden',
    },
  ])('$what is ended, over REST and over tRPC', async ({ answer, code }, { createServer }) => {
    let authenticate: () => Principal | null = () => ADA
    const { agent, release } = createHeldAgent()
    const { rest, trpc } = await createServer({ agents: [agent], config, authenticate: () => authenticate() })
    const runId = await rest.create('held')
    const stream = await rest.stream(`runs/${runId}/events?include_all=1`)
    expect(await stream.next()).toMatchObject({ type: 'run.started' })
    const followed = trpc.events({ runId, includeAll: true }).catch((error: unknown) => error)
    // A header that only tRPC's own stream has.
    const written = await rest.send(urlOf(runId), { headers: { 'trpc-accept': 'text/event-stream' } })
    authenticate = answer
    // Reads to the end. The run continues.
    expect(await stream.next()).toBeUndefined()
    expect(await followed).toMatchObject({ data: { error: { code } } })
    expect(await written.text()).toContain(`"code":"${code}"`)
    authenticate = () => ADA
    expect((await rest.get(`runs/${runId}`)).body['status']).toBe('running')
    release()
    expect((await rest.events(`runs/${runId}/events?include_all=1`)).at(-1)).toMatchObject({
      type: 'run.succeeded',
    })
  })

  test('may see less by now is ended', async ({ createServer }) => {
    let sees = true
    const { agent, release } = createHeldAgent()
    const { rest } = await createServer({
      agents: [agent],
      config,
      authenticate: () => ADA,
      authorize: (...asked) => (asked[1] === 'includeAll' ? sees : ownersOnly(...asked)),
    })
    const runId = await rest.create('held')
    const [all, plain] = [
      await rest.stream(`runs/${runId}/events?include_all=1`),
      await rest.stream(`runs/${runId}/events`),
    ]
    await all.until('run.started')
    sees = false
    expect(await all.next()).toBeUndefined()
    release()
    // A reader who sees what everybody sees keeps the stream.
    expect((await plain.until('run.succeeded')).at(-1)?.type).toBe('run.succeeded')
  })

  test('can’t be asked about for now goes on', async ({ createServer }) => {
    const { agent, release } = createHeldAgent()
    let asked = 0
    let isDown = false
    const { rest, log } = await createServer({
      agents: [agent],
      config,
      authenticate() {
        asked += 1
        if (isDown) throw new Error('the directory is down')
        return ADA
      },
    })
    const runId = await rest.create('held')
    const stream = await rest.stream(`runs/${runId}/events?include_all=1`)
    await stream.until('run.started')
    isDown = true
    const before = asked
    await vi.waitUntil(() => asked > before + 2)
    isDown = false
    release()
    expect((await stream.until('run.succeeded')).at(-1)?.type).toBe('run.succeeded')
    expect(log.some(({ level }) => level === 'error')).toBe(false)
    // Nobody asks about a reader whose stream is over.
    const after = asked
    await vi.waitUntil(async () => (await rest.get(`runs/${runId}`)).body['status'] === 'succeeded')
    expect(asked).toBe(after + 1)
  })
})

test('a stream that is old ends, and its reader resumes it without losing anything', async ({
  createServer,
}) => {
  const { agent, attempt, release } = createHeldAgent()
  const { rest, trpc } = await createServer({ agents: [agent], config: { streamMaxAgeSeconds: 0.1 } })
  const runId = await rest.create('held')
  await attempt(0)
  // Messages that make tRPC's clients come back.
  expect(await (await rest.send(urlOf(runId), {})).text()).toContain('SERVICE_UNAVAILABLE')
  const following = trpc.events({ runId, includeAll: true })
  const seen: RestEvent[] = []
  let ends = 0
  while (seen.at(-1)?.type !== 'run.succeeded') {
    const headers = { 'last-event-id': String(seen.at(-1)?.seq ?? '') }
    seen.push(...(await rest.events(`runs/${runId}/events?include_all=1`, { headers })))
    ends += 1
    if (ends === 2) release()
  }
  expect(ends).toBeGreaterThan(2)
  expect(seen.map(({ seq }) => seq)).toEqual([1, 2])
  expect((await following).map(({ seq }) => seq)).toEqual([1, 2])
})
