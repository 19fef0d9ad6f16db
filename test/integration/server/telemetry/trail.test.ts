// What the log has of who did what, and of what a person must read.
import { connect } from 'node:net'
import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { AgentRuntimeError, defineAgent, ownersOnly } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import type { LogEntry } from '../../../support/silent-logger.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })
const asking = defineAgent({
  key: 'asking',
  async run(ctx) {
    await ctx.wait('city', z.string())
    await ctx.approve({ name: 'refund', arguments: { amount: 1 } })
  },
})
const ADA = { id: 'ada', tenantId: 'acme', kind: 'user' } as const

function authenticate({ headers }: Request): Principal | null {
  const user = headers.get('x-user')
  if (user === 'banned') throw new AgentRuntimeError('forbidden', 'Banned.')
  if (user === 'eager') throw new AgentRuntimeError('rate_limited', 'Too many requests.')
  return user === null ? null : { ...ADA, id: user }
}

const lines = (log: readonly LogEntry[], message: string) => log.filter((entry) => entry.message === message)
const runIds = (entries: readonly LogEntry[]) => new Set(entries.map(({ fields }) => fields['runId']))

describe('a refusal leaves a line in the log', () => {
  test.for([
    { headers: {}, status: 401, code: 'unauthorized' },
    { headers: { 'x-user': 'banned' }, status: 403, code: 'forbidden' },
    { headers: { 'x-user': 'eager' }, status: 429, code: 'rate_limited' },
  ])('with $status, over every transport', async ({ headers, status, code }, { createServer }) => {
    const { as, log } = await createServer({ agents: [agent], worker: false, authenticate })
    const { rest, trpc } = as(headers)
    const runId = '019aa000-0000-7000-8000-000000000001'
    expect((await rest.get(`runs/${runId}?token=secret`)).status).toBe(status)
    await expect(trpc.client.runs.get.query({ runId })).rejects.toMatchObject({ data: { error: { code } } })
    await expect(trpc.events({ runId })).rejects.toMatchObject({ data: { error: { code } } })
    expect(lines(log, 'refused a request')).toMatchObject([
      { level: 'info', fields: { code, request: `GET /api/agents/runs/${runId}` } },
      { level: 'info', fields: { code, request: 'GET /trpc/runs.get' } },
      { level: 'info', fields: { code, request: 'GET /trpc/runs.events' } },
    ])
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('of callers who ask for more than they may see, and of requests that any page could send', async ({
    createServer,
  }) => {
    const { as, log } = await createServer({
      agents: [agent],
      worker: false,
      authenticate,
      authorize: (...asked) => asked[1] !== 'includeAll' && ownersOnly(...asked),
    })
    const { rest } = as({ 'x-user': 'ada' })
    const runId = await rest.create('agent')
    expect((await rest.get(`runs/${runId}/events?include_all=1`)).status).toBe(403)
    expect(lines(log, 'refused an action')).toMatchObject([
      { level: 'info', fields: { runId, by: ADA, action: 'includeAll' } },
    ])
    const forged = await rest.send('runs', { method: 'POST', headers: { 'x-user': 'ada', cookie: 'a=b' } })
    expect(forged.status).toBe(403)
    expect(lines(log, 'refused a request')).toMatchObject([
      { level: 'info', fields: { code: 'forbidden', request: 'POST /api/agents/runs' } },
    ])
  })
})

test('a cancel, an answer and an approval leave a line each: who, of which run', async ({ createServer }) => {
  const { as, log } = await createServer({ agents: [agent, asking], authenticate })
  const { rest, trpc } = as({ 'x-user': 'ada' })
  const runId = await rest.create('asking')
  const waits = async () => (await trpc.client.runs.get.query({ runId })).waits
  await vi.waitUntil(async () => (await waits())[0]?.name === 'city')
  await rest.post(`runs/${runId}/respond`, { wait: 'city', value: 'Lisbon' })
  await vi.waitUntil(async () => (await waits())[0]?.kind === 'approval')
  const [approval] = await waits()
  const { hash } = z.object({ hash: z.string() }).parse(approval?.details)
  const value = { approved: true, hash }
  await trpc.client.runs.respond.mutate({ runId, wait: approval?.name ?? '', value })
  const cancelled = await rest.create('agent', { run_at: '2099-01-01T00:00:00Z' })
  await trpc.client.runs.cancel.mutate({ runId: cancelled })
  expect(lines(log, 'a wait was answered')).toMatchObject([
    { level: 'info', fields: { runId, wait: 'city', by: ADA } },
  ])
  expect(lines(log, 'an approval was decided')).toMatchObject([
    { level: 'info', fields: { runId, wait: approval?.name, approved: true, by: ADA } },
  ])
  expect(lines(log, 'a run was cancelled')).toMatchObject([
    { level: 'info', fields: { runId: cancelled, by: ADA } },
  ])
  // Answers belong only to the run.
  expect(JSON.stringify(log)).not.toContain('Lisbon')
})

test('runs that another takes the place of leave a line each: who, of which run, and that they ended', async ({
  createServer,
}) => {
  const { as, log } = await createServer({ agents: [agent], worker: false, authenticate })
  const { rest } = as({ 'x-user': 'ada' })
  const { body } = await rest.post('conversations', {})
  const conversation = { conversation_id: body['id'] }
  const ids = [await rest.create('agent', conversation), await rest.create('agent', conversation)]
  const created = await rest.create('agent', { ...conversation, conversation_policy: 'interrupt' })
  const cancelled = lines(log, 'a run was cancelled')
  expect(runIds(cancelled)).toEqual(new Set(ids))
  expect(cancelled).toMatchObject(
    ids.map(() => ({ level: 'info', fields: { by: ADA, interruptedBy: created } })),
  )
  await rest.post(`runs/${created}/cancel`, {})
  const ended = lines(log, 'a run ended that no worker held')
  expect(runIds(ended)).toEqual(new Set([...ids, created]))
  expect(ended).toMatchObject(
    ended.map(() => ({ level: 'info', fields: { agentKey: 'agent', status: 'cancelled' } })),
  )
})

test('an upload that breaks off is nobody’s to read about', async ({ createServer }) => {
  const { runtime, log } = await createServer({ agents: [agent], worker: false, authenticate: () => ADA })
  const answers: Promise<Response>[] = []
  await using host = await hostRuntimes({
    handleUpgrade: runtime.handleUpgrade,
    handler(request) {
      const answer = runtime.handler(request)
      answers.push(answer)
      return answer
    },
  })
  const { hostname, port } = new URL(host.url)
  for (const path of ['/api/agents/runs', '/trpc/runs.create']) {
    for (const length of ['content-length: 1000', 'transfer-encoding: chunked']) {
      const asked = answers.length
      const socket = connect(Number(port), hostname)
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${length}\r\n\r\n5\r\n{"age`,
      )
      await vi.waitUntil(() => answers.length > asked)
      socket.destroy()
      expect([path, length, (await answers[asked])?.status]).toEqual([path, length, 400])
    }
  }
  expect(log.filter(({ level }) => level !== 'debug')).toEqual([])
})

describe('authenticate', () => {
  test('that throws is answered with 500 and without a reason, which one line in the log has', async ({
    createServer,
  }) => {
    const { rest, trpc, log } = await createServer({
      agents: [agent],
      worker: false,
      authenticate: () => Promise.reject(new Error('ldap://secret is down')),
    })
    const errors = () => log.filter(({ level }) => level === 'error')
    expect((await rest.get('runs')).body).toMatchObject({ code: 'internal' })
    expect(errors()).toHaveLength(1)
    await expect(trpc.client.runs.list.query({})).rejects.toMatchObject({ data: { httpStatus: 500 } })
    expect(errors()).toHaveLength(2)
  })

  test('that does not answer is not waited for', async ({ createServer }) => {
    const { rest, trpc, log } = await createServer({
      agents: [agent],
      worker: false,
      config: { authenticateTimeoutSeconds: 0.05 },
      authenticate: () => new Promise<never>(() => {}),
    })
    const answer = await rest.get('runs')
    expect([answer.status, answer.body['code'], answer.headers.get('retry-after')]).toEqual([
      503,
      'unavailable',
      '1',
    ])
    await expect(trpc.client.runs.list.query({})).rejects.toMatchObject({ data: { httpStatus: 503 } })
    expect(lines(log, 'authenticate did not answer in time')).toMatchObject([
      { level: 'error' },
      { level: 'error' },
    ])
  })
})
