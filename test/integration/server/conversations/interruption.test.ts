import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'

describe('a timeout', () => {
  test.for([
    { how: 'the request', timeoutMs: 60_000, request: { timeout_ms: 50 } },
    { how: 'the agent', timeoutMs: 50, request: {} },
  ])('set by $how aborts the signal and ends the run', async ({ timeoutMs, request }, { createServer }) => {
    const held = createHeldAgent()
    const { rest } = await createServer({ agents: [{ ...held.agent, timeoutMs }] })
    const id = await rest.create('held', request)
    const events = await rest.events(`runs/${id}/events`)
    expect(events).toMatchObject([{ type: 'run.started' }, { type: 'run.timed_out', timeout_ms: 50 }])
    expect((await held.attempt(0)).signal.reason).toMatchObject({ kind: 'timed_out' })
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'timed_out',
      error: { type: 'timed_out' },
    })
  })

  test('ends a run whose agent does not listen, and frees its place', async ({ createServer }) => {
    const held = createHeldAgent({ deaf: true })
    const { rest, log } = await createServer({ agents: [held.agent], worker: { concurrency: 1 } })
    const first = await rest.create('held', { timeout_ms: 20 })
    const second = await rest.create('held', { timeout_ms: 20 })
    for (const id of [first, second]) {
      expect((await rest.events(`runs/${id}/events`)).map(({ type }) => type)).toEqual([
        'run.started',
        'run.timed_out',
      ])
    }
    expect(log.filter(({ message }) => message.includes('abandoned'))).toHaveLength(2)
  })

  test('counts from the start of execution, not from the request', async ({ createServer }) => {
    const quick = defineAgent({ key: 'quick', run: async () => {} })
    const { rest, runtime } = await createServer({ agents: [quick], worker: false })
    const id = await rest.create('quick', { timeout_ms: 200 })
    const created = Date.now()
    await expect.poll(() => Date.now() - created).toBeGreaterThan(200)
    await runtime.startWorker()
    expect((await rest.events(`runs/${id}/events?include_all=1`)).at(-1)?.type).toBe('run.succeeded')
  })
})

describe('a cancel', () => {
  test('of a queued run ends it at once: no agent ever sees it', async ({ createServer, database }) => {
    const held = createHeldAgent()
    const { rest, runtime } = await createServer({ agents: [held.agent], worker: false })
    const id = await rest.create('held')
    const following = rest.events(`runs/${id}/events`)
    expect(await rest.post(`runs/${id}/cancel`)).toMatchObject({
      status: 200,
      body: { status: 'cancellation_requested', run: { id, status: 'cancelled' } },
    })
    expect(await following).toMatchObject([{ seq: 1, type: 'run.cancelled', attempt: 0 }])
    await runtime.startWorker()
    await expect
      .poll(() => database.sql(`SELECT state FROM agent_runtime_queue.job WHERE data ->> 'runId' = $1`, [id]))
      .toEqual([{ state: 'completed' }])
    expect(held.started).toBe(0)
  })

  test('of a running one aborts its signal, wherever it runs', async ({ createServer }) => {
    const held = createHeldAgent()
    const [api] = await Promise.all([
      createServer({ agents: [held.agent], worker: false }),
      createServer({ agents: [held.agent] }),
    ])
    const { id } = await api.trpc.client.runs.create.mutate({ agentKey: 'held' })
    const { signal } = await held.attempt(0)
    const cancelled = await api.trpc.client.runs.cancel.mutate({ runId: id })
    expect(cancelled).toMatchObject({ id, status: 'running' })
    expect(cancelled.cancelRequestedAt).not.toBeNull()
    expect((await api.rest.events(`runs/${id}/events`)).map(({ type }) => type)).toEqual([
      'run.started',
      'run.cancelled',
    ])
    expect(signal.reason).toMatchObject({ name: 'RunInterruption', kind: 'cancelled' })
  })

  test('holds against an agent that does not listen, and against what it returns too late', async ({
    createServer,
  }) => {
    const deaf = createHeldAgent({ deaf: true })
    const { rest } = await createServer({ agents: [deaf.agent] })
    const ids = [await rest.create('held'), await rest.create('held')]
    await Promise.all([deaf.attempt(0), deaf.attempt(1)])
    await Promise.all(ids.map((id) => rest.post(`runs/${id}/cancel`)))
    await rest.events(`runs/${ids[0]}/events`)
    deaf.release()
    await rest.events(`runs/${ids[1]}/events`)
    for (const id of ids) {
      expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'cancelled', output: {} })
    }
  })

  test('can be repeated while the run is ending', async ({ createServer }) => {
    const deaf = createHeldAgent({ deaf: true })
    const { rest } = await createServer({ agents: [deaf.agent] })
    const id = await rest.create('held')
    await deaf.attempt(0)
    const [first, second] = [await rest.post(`runs/${id}/cancel`), await rest.post(`runs/${id}/cancel`)]
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.body['cancel_requested_at']).toBe(first.body['cancel_requested_at'])
    await rest.events(`runs/${id}/events`)
  })

  test.for(['succeeded', 'failed', 'cancelled', 'timed_out'] as const)(
    'of a run that %s is refused and changes nothing',
    async (status, { createServer }) => {
      const ending = defineAgent({
        key: 'ending',
        async run(ctx) {
          if (status === 'failed') throw new Error('as told')
          if (status === 'succeeded') return
          await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
        },
      })
      const { rest, trpc } = await createServer({ agents: [ending] })
      const id = await rest.create('ending', status === 'timed_out' ? { timeout_ms: 10 } : {})
      const stream = await rest.stream(`runs/${id}/events?include_all=1`)
      await stream.until('run.started')
      if (status === 'cancelled') await rest.post(`runs/${id}/cancel`)
      await stream.until(`run.${status}`)
      const before = await rest.get(`runs/${id}`)
      expect(before.body['status']).toBe(status)
      expect(await rest.post(`runs/${id}/cancel`)).toMatchObject({
        status: 400,
        body: { code: 'conflict', details: { status } },
      })
      await expect(trpc.client.runs.cancel.mutate({ runId: id })).rejects.toMatchObject({
        data: { httpStatus: 409, error: { code: 'conflict', details: { status } } },
      })
      expect((await rest.get(`runs/${id}`)).body).toEqual(before.body)
    },
  )

  test('answered with 200 is never followed by a success, however close the race', async ({
    createServer,
  }) => {
    const quick = defineAgent({
      key: 'quick',
      async run(ctx) {
        for (let i = 0; i < Number(ctx.params); i += 1) await new Promise((resolve) => setImmediate(resolve))
        return { output: 'done' }
      },
    })
    const server = { agents: [quick] } as const
    const servers = await Promise.all([createServer(server), createServer(server)])
    const outcomes: Record<string, number> = {}
    await Promise.all(
      Array.from({ length: 120 }, async (_, index) => {
        const [{ rest }, other] = index % 2 === 0 ? [servers[0], servers[1]] : [servers[1], servers[0]]
        const id = await rest.create('quick', { params: index % 7 })
        const stream = await other.rest.stream(`runs/${id}/events?include_all=1`)
        if (index % 3 > 0) await stream.until('run.started')
        for (let i = 0; i < index % 11; i += 1) await new Promise((resolve) => setImmediate(resolve))
        const answer = await other.rest.post(`runs/${id}/cancel`)
        const last =
          index % 3 > 0 ? await restOf(stream) : (await rest.events(`runs/${id}/events?include_all=1`)).at(-1)
        const { status } = (await rest.get(`runs/${id}`)).body
        expect(last?.type).toBe(`run.${String(status)}`)
        const outcome = `${answer.status} ${String(status)}`
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      }),
    )
    // Both must have happened; otherwise there was no race.
    expect(Object.keys(outcomes).toSorted()).toEqual(['200 cancelled', '400 succeeded'])
  })
})

async function restOf(stream: { next(): Promise<{ type: string } | undefined> }) {
  let last: { type: string } | undefined
  for (let event = await stream.next(); event !== undefined; event = await stream.next()) last = event
  return last
}
