import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { AnyAgent } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'

/** Counts how many of its runs are under way at once. */
function createCountingAgent(key = 'counting') {
  const count = { now: 0, most: 0, total: 0 }
  const agent = defineAgent({
    key,
    async run(ctx) {
      count.now += 1
      count.total += 1
      count.most = Math.max(count.most, count.now)
      for (let i = 0; i < 5; i += 1) await ctx.emit('assistant.delta', { messageId: 'm', content: `${i}` })
      await new Promise((resolve) => setImmediate(resolve))
      count.now -= 1
      return { output: ctx.runId }
    },
  })
  return { agent, count }
}

const statuses = `SELECT status, count(*)::int FROM agent_runtime.run GROUP BY status ORDER BY status`

describe('a worker', () => {
  test('executes as many runs at once as it may, and no more', async ({ createServer }) => {
    const held = createHeldAgent()
    const { rest } = await createServer({ agents: [held.agent], worker: { concurrency: 7 } })
    const ids = await Promise.all(Array.from({ length: 20 }, () => rest.create('held')))
    await held.attempt(6)
    // A worker that would take an eighth has had time for it once another request was answered.
    await rest.get('runs')
    expect(held.started).toBe(7)
    held.release()
    await Promise.all(ids.map((id) => rest.events(`runs/${id}/events`)))
    expect(held.started).toBe(20)
  })

  test('takes what was queued before it came', async ({ createServer }) => {
    const { agent, count } = createCountingAgent()
    const { rest, runtime } = await createServer({ agents: [agent], worker: false })
    const ids = await Promise.all(Array.from({ length: 50 }, () => rest.create('counting')))
    await runtime.startWorker({ concurrency: 7 })
    await Promise.all(ids.map((id) => rest.events(`runs/${id}/events`)))
    expect(count.total).toBe(50)
    expect(count.most).toBeLessThanOrEqual(7)
  })

  test.for([1, 2, 3, 5, 20, 33])(
    'with %i places goes on to the last run without polling',
    async (concurrency, { createServer }) => {
      const { agent, count } = createCountingAgent()
      const { rest } = await createServer({ agents: [agent], worker: { concurrency } })
      const ids = await Promise.all(Array.from({ length: 40 }, () => rest.create('counting')))
      await Promise.all(ids.map((id) => rest.events(`runs/${id}/events`)))
      expect(count.total).toBe(40)
    },
  )

  test('takes runs of the agents it was given only', async ({ createServer, database }) => {
    const [mine, other] = [createCountingAgent('mine'), createCountingAgent('other')]
    const { rest } = await createServer({
      agents: [mine.agent, other.agent],
      worker: { agentKeys: ['mine'] },
    })
    await rest.create('other')
    await rest.events(`runs/${await rest.create('mine')}/events`)
    expect([mine.count.total, other.count.total]).toEqual([1, 0])
    expect(await database.sql(statuses)).toEqual([
      { status: 'queued', count: 1 },
      { status: 'succeeded', count: 1 },
    ])
  })

  test('gives an agent that is much asked for no precedence over one that is not', async ({
    createServer,
  }) => {
    const busy = createHeldAgent({ key: 'busy' })
    const rare = createCountingAgent('rare')
    const agents: AnyAgent[] = [busy.agent, rare.agent]
    const { rest } = await createServer({ agents, worker: { concurrency: 4 } })
    const ids = await Promise.all(Array.from({ length: 20 }, () => rest.create('busy')))
    await busy.attempt(3)
    const rareId = await rest.create('rare')
    busy.release()
    await Promise.all([...ids, rareId].map((id) => rest.events(`runs/${id}/events`)))
    expect(rare.count.total).toBe(1)
  })
})

test('each run leaves a line in the log when it ends', async ({ createServer }) => {
  const { agent } = createCountingAgent()
  const failing = defineAgent({ key: 'failing', run: () => Promise.reject(new Error('no')) })
  const { rest, log } = await createServer({ agents: [agent, failing] })
  const ids: string[] = []
  for (const agentKey of ['counting', 'failing']) {
    const id = await rest.create(agentKey)
    await rest.events(`runs/${id}/events`)
    ids.push(id)
  }
  const ended = () => log.filter(({ message }) => message === 'a run ended')
  await expect.poll(() => ended().length).toBe(2)
  expect(ended().map(({ level, fields }) => ({ level, ...fields }))).toMatchObject([
    { level: 'info', runId: ids[0], agentKey: 'counting', attempt: 1, status: 'succeeded' },
    { level: 'info', runId: ids[1], agentKey: 'failing', attempt: 1, status: 'failed' },
  ])
  for (const { fields } of ended()) expect(fields['durationMs']).toBeGreaterThanOrEqual(0)
})

describe('stopping a worker', () => {
  test('lets what is under way end, and takes nothing new', async ({ createServer, database }) => {
    const held = createHeldAgent()
    const { rest, runtime } = await createServer({ agents: [held.agent], worker: false })
    const worker = await runtime.startWorker({ concurrency: 2 })
    const ids = await Promise.all(Array.from({ length: 5 }, () => rest.create('held')))
    await held.attempt(1)
    const stopped = worker.stop()
    held.release()
    await stopped
    expect(held.started).toBe(2)
    expect(await database.sql(statuses)).toEqual([
      { status: 'queued', count: 3 },
      { status: 'succeeded', count: 2 },
    ])
    await runtime.startWorker()
    await Promise.all(ids.map((id) => rest.events(`runs/${id}/events`)))
  })

  test('a second stop waits for the same end as the first', async ({ createServer }) => {
    const held = createHeldAgent()
    const { rest, runtime } = await createServer({ agents: [held.agent], worker: false })
    const worker = await runtime.startWorker()
    const id = await rest.create('held')
    await held.attempt(0)
    const ended: string[] = []
    const first = worker.stop().then(() => ended.push('first'))
    const second = worker.stop().then(() => ended.push('second'))
    // One round trip to the database is enough for a stop that waits for nothing.
    expect((await rest.get(`runs/${id}`)).body['status']).toBe('running')
    expect(ended).toEqual([])
    held.release()
    await Promise.all([first, second])
    expect((await rest.get(`runs/${id}`)).body['status']).toBe('succeeded')
  })

  test('what does not end in time is handed back, also by an agent that does not listen', async ({
    createServer,
  }) => {
    const deaf = createHeldAgent({ deaf: true })
    const { rest, runtime } = await createServer({ agents: [deaf.agent], worker: false })
    const worker = await runtime.startWorker()
    const id = await rest.create('held')
    const { signal } = await deaf.attempt(0)
    await worker.stop({ drainTimeoutMs: 50 })
    expect(signal.reason).toMatchObject({ kind: 'drained' })
    deaf.release()
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'queued', last_seq: 2 })
  })

  test('at any moment strands no run, nor a delivery: each is either still queued or over', async ({
    createServer,
    database,
  }) => {
    const { agent } = createCountingAgent()
    const { rest, runtime, log } = await createServer({ agents: [agent], worker: false })
    for (let round = 0; round < 30; round += 1) {
      const worker = await runtime.startWorker({ concurrency: 3 })
      const creating = Promise.all(Array.from({ length: 5 }, () => rest.create('counting')))
      for (let i = 0; i < round; i += 1) await new Promise((resolve) => setImmediate(resolve))
      await worker.stop()
      await creating
      const left = await database.sql(
        `SELECT r.status, j.state FROM agent_runtime.run r
         JOIN agent_runtime_queue.job j ON j.data ->> 'runId' = r.id::text
         WHERE r.status = 'running' OR j.state = 'active'`,
      )
      expect(left).toEqual([])
    }
    expect(log.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  })

  test('the runtime can be stopped twice, and before anything was started', async ({ createServer }) => {
    const { agent } = createCountingAgent()
    const never = await createServer({ agents: [agent], worker: false })
    await never.runtime.stop()
    await never.runtime.stop()
    const { rest, runtime } = await createServer({ agents: [agent] })
    await rest.events(`runs/${await rest.create('counting')}/events`)
    await Promise.all([runtime.stop(), runtime.stop()])
  })

  test('waits until the queue has heard of what is over', async ({ createServer, database }) => {
    const [one, two] = [createHeldAgent({ key: 'one' }), createHeldAgent({ key: 'two' })]
    const { rest, runtime, log } = await createServer({ agents: [one.agent, two.agent] as AnyAgent[] })
    const ids = [await rest.create('one'), await rest.create('two')]
    await Promise.all([one.attempt(0), two.attempt(0)])
    const locking = await database.connect()
    await locking.query('BEGIN')
    await locking.query(`SELECT FROM agent_runtime_queue.job WHERE data ->> 'runId' = $1 FOR UPDATE`, [
      ids[0],
    ])
    for (const [index, held] of [one, two].entries()) {
      held.release()
      await rest.events(`runs/${ids[index]}/events`)
    }
    const stopped = runtime.stop()
    // Enough round trips for a stop that would not wait.
    for (let i = 0; i < 20; i += 1) await database.sql('SELECT')
    await locking.query('ROLLBACK')
    await stopped
    expect(log.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
    expect(await database.sql(`SELECT id FROM agent_runtime_queue.job WHERE state <> 'completed'`)).toEqual(
      [],
    )
  })

  test('a runtime stopped while it starts leaves no connection', async ({ createServer }) => {
    const { agent } = createCountingAgent()
    for (let rounds = 0; rounds < 12; rounds += 1) {
      const { runtime } = await createServer({ agents: [agent], worker: false })
      if (rounds % 2 === 0) await runtime.start()
      const starting = runtime.startWorker().catch((error: unknown) => error)
      for (let i = 0; i < rounds; i += 1) await new Promise((resolve) => setImmediate(resolve))
      await runtime.stop()
      await starting
    }
  })
})

test('three hundred runs over two runtimes and three workers all end', async ({ createServer, database }) => {
  const { agent, count } = createCountingAgent()
  const [one, two] = await Promise.all([
    createServer({ agents: [agent], worker: { concurrency: 10 } }),
    createServer({ agents: [agent], worker: { concurrency: 10 } }),
  ])
  await two.runtime.startWorker({ concurrency: 5 })
  await Promise.all(
    Array.from({ length: 300 }, async (_, index) => {
      const [here, there] = index % 2 === 0 ? [one, two] : [two, one]
      const id = await here.rest.create('counting')
      const events = await there.rest.events(`runs/${id}/events?include_all=1`)
      expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: id })
    }),
  )
  expect(count).toMatchObject({ total: 300, now: 0 })
  expect(await database.sql(statuses)).toEqual([{ status: 'succeeded', count: 300 }])
})
