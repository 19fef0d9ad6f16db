import { describe, expect } from 'vitest'
import type { Json } from '../../../../server/contract/json.ts'
import { defineAgent } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'
import { claimAsAnother, expireLease } from '../../../support/takeover.ts'

/** Leases so long that none is renewed during a test. */
const config = { leaseTtlSeconds: 120, maxAttempts: 3 }

describe('an attempt that was overtaken', () => {
  test('writes nothing more: no event, no checkpoint, no end', async ({ createServer, database }) => {
    const caught: unknown[] = []
    const overtaken = Promise.withResolvers<void>()
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        await ctx.checkpoint({ mine: true })
        await ctx.emitMessage('before')
        await overtaken.promise
        await ctx.emitMessage('after')
        await ctx.checkpoint({ mine: false }).catch((error: unknown) => caught.push(error))
        return { output: 'stale', messages: [{ role: 'assistant', content: 'stale' }] }
      },
    })
    const { rest, runtime } = await createServer({ agents: [agent], config, worker: false })
    const worker = await runtime.startWorker()
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('assistant.message')
    await claimAsAnother(database.sql, id)
    const before = (await rest.get(`runs/${id}`)).body
    overtaken.resolve()
    await expect.poll(() => caught).toMatchObject([{ kind: 'lost' }])
    await worker.stop()
    expect((await rest.get(`runs/${id}`)).body).toEqual(before)
    expect(before).toMatchObject({ status: 'running', attempt: 2, output: {} })
    const { body } = await rest.get(`runs/${id}/events?include_all=true`)
    expect(body['results']).toMatchObject([
      { type: 'run.started', attempt: 1 },
      { type: 'state.checkpoint', attempt: 1 },
      { type: 'assistant.message', attempt: 1 },
      { type: 'run.started', attempt: 2 },
    ])
    expect(await database.sql('SELECT attempt, state FROM agent_runtime.checkpoint')).toEqual([
      { attempt: 1, state: { mine: true } },
    ])
  })

  test('learns of it by its signal as soon as it emits', async ({ createServer, database }) => {
    const reasons = Promise.withResolvers<unknown>()
    const overtaken = Promise.withResolvers<void>()
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        ctx.signal.addEventListener('abort', () => reasons.resolve(ctx.signal.reason))
        await ctx.emitMessage('before')
        await overtaken.promise
        await ctx.emitMessage('after')
        await reasons.promise
      },
    })
    const { rest } = await createServer({ agents: [agent], config })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('assistant.message')
    await claimAsAnother(database.sql, id)
    overtaken.resolve()
    expect(await reasons.promise).toMatchObject({ name: 'RunInterruption', kind: 'lost' })
  })

  test('that ends at that moment ends nothing', async ({ createServer, database }) => {
    const held = createHeldAgent()
    const { rest, runtime } = await createServer({ agents: [held.agent], config, worker: false })
    const worker = await runtime.startWorker()
    const id = await rest.create('held')
    await held.attempt(0)
    await claimAsAnother(database.sql, id)
    held.release()
    await worker.stop()
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'running', attempt: 2, output: {} })
  })
})

describe('a run whose worker is gone', () => {
  test('is taken over: its next attempt ends it, and every reader sees both', async ({
    createServer,
    database,
  }) => {
    const held = createHeldAgent()
    const dead = await createServer({ agents: [held.agent], config })
    const id = await dead.rest.create('held')
    const { signal } = await held.attempt(0)
    const following = dead.rest.events(`runs/${id}/events?include_all=true`)
    await expireLease(database.sql, id)
    const alive = await createServer({ agents: [held.agent], config })
    expect(await held.attempt(1)).toMatchObject({ runId: id, attempt: 2 })
    held.release()
    const seen = [
      { seq: 1, type: 'run.started', attempt: 1 },
      { seq: 2, type: 'run.retrying', attempt: 1 },
      { seq: 3, type: 'run.started', attempt: 2 },
      { seq: 4, type: 'run.succeeded', attempt: 2 },
    ]
    expect(await following).toMatchObject(seen)
    expect(await alive.trpc.events({ runId: id, includeAll: true })).toMatchObject(seen)
    await expect.poll(() => signal.reason as unknown).toMatchObject({ kind: 'lost' })
  })

  test('and whose time is up has timed out: its agent may be what nobody could end', async ({
    createServer,
    database,
  }) => {
    const held = createHeldAgent()
    const { rest } = await createServer({ agents: [held.agent], config })
    const id = await rest.create('held', { timeout_ms: 90_500 })
    await held.attempt(0)
    await database.sql(
      `UPDATE agent_runtime.run SET attempt_started_at = now() - interval '1 day',
         lease_expires_at = now() - interval '1 second'`,
    )
    const events = await rest.events(`runs/${id}/events`)
    expect(events).toMatchObject([{ type: 'run.started' }, { type: 'run.timed_out', attempt: 1 }])
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'timed_out',
      error: { type: 'timed_out', message: 'The run took longer than 90.5 s.' },
      attempt: 1,
    })
  })

  test('goes on from its last checkpoint', async ({ createServer, database }) => {
    const states: (Json | undefined)[] = []
    const waiting = Promise.withResolvers<void>()
    const buried = Promise.withResolvers<void>()
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        states.push(ctx.state)
        for (let step = (ctx.state as { step: number } | undefined)?.step ?? 0; step < 4; step += 1) {
          if (step === 2 && ctx.attempt === 1) {
            waiting.resolve()
            await buried.promise
            return
          }
          await ctx.checkpoint({ step: step + 1 })
          states.push(ctx.state)
        }
        return { output: ctx.state ?? null }
      },
    })
    const dead = await createServer({ agents: [agent], config })
    const id = await dead.rest.create('agent')
    await waiting.promise
    // The state is stored by then, but what is told of it may still be on its way.
    const told = `SELECT FROM agent_runtime.event WHERE type = 'state.checkpoint'`
    await expect.poll(() => database.sql(told)).toHaveLength(2)
    await expireLease(database.sql, id)
    await createServer({ agents: [agent], config })
    const events = await dead.rest.events(`runs/${id}/events?include_all=true`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2, output: { step: 4 } })
    const steps = [undefined, 1, 2].map((step) => step && { step })
    expect(states).toEqual([...steps, { step: 2 }, { step: 3 }, { step: 4 }])
    buried.resolve()
    const checkpoints = events.filter(({ type }) => type === 'state.checkpoint')
    expect(checkpoints.map(({ attempt, payload }) => [attempt, payload])).toEqual(
      [1, 2, 3, 4].map((step) => [step < 3 ? 1 : 2, { state: { step } }]),
    )
  })

  test('and that was cancelled meanwhile is not started again', async ({ createServer, database }) => {
    const held = createHeldAgent({ deaf: true })
    const dead = await createServer({ agents: [held.agent], config: { ...config, cancelGraceSeconds: 60 } })
    const id = await dead.rest.create('held')
    const { signal } = await held.attempt(0)
    await dead.rest.post(`runs/${id}/cancel`)
    // When told, it looks at the row, and that renews its lease.
    await expect.poll(() => signal.aborted).toBe(true)
    await expireLease(database.sql, id)
    await createServer({ agents: [held.agent], config })
    const events = await dead.rest.events(`runs/${id}/events`)
    expect(events).toMatchObject([{ type: 'run.started' }, { type: 'run.cancelled', attempt: 1 }])
    expect(held.started).toBe(1)
    held.release()
  })

  test('is given up when it has used its attempts', async ({ createServer, database }) => {
    const held = createHeldAgent()
    const { rest } = await createServer({ agents: [held.agent], config })
    const id = await rest.create('held', { max_attempts: 2 })
    await held.attempt(0)
    await expireLease(database.sql, id)
    await createServer({ agents: [held.agent], config })
    await held.attempt(1)
    await expireLease(database.sql, id)
    await createServer({ agents: [held.agent], config })
    const events = await rest.events(`runs/${id}/events`)
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', code: 'worker_lost' })
    expect(held.started).toBe(2)
    held.release()
  })

  test('is not taken over while its lease holds, though it is delivered again', async ({
    createServer,
    database,
  }) => {
    const held = createHeldAgent()
    const one = await createServer({ agents: [held.agent], config })
    const id = await one.rest.create('held')
    await held.attempt(0)
    const delivered = () => database.sql(`SELECT state FROM agent_runtime_queue.job`)
    await expect.poll(delivered).toEqual([{ state: 'completed' }])
    await database.sql(
      `UPDATE agent_runtime_queue.job SET state = 'created', start_after = now(), completed_on = NULL`,
    )
    const two = await createServer({ agents: [held.agent], config })
    await expect.poll(delivered).toEqual([{ state: 'completed' }])
    // The next run is only taken after the earlier delivery was looked at.
    const next = await two.rest.create('held')
    await held.attempt(1)
    held.release()
    await Promise.all([id, next].map((runId) => one.rest.events(`runs/${runId}/events`)))
    expect((await one.rest.get(`runs/${id}`)).body).toMatchObject({ status: 'succeeded', attempt: 1 })
    await expect
      .poll(() => database.sql(`SELECT DISTINCT state FROM agent_runtime_queue.job`))
      .toEqual([{ state: 'completed' }])
  })

  test('by the same worker: two attempts of one run in one process do not mix', async ({
    createServer,
    database,
  }) => {
    const held = createHeldAgent({ deaf: true })
    const { rest, runtime } = await createServer({ agents: [held.agent], config })
    const id = await rest.create('held')
    await held.attempt(0)
    await expireLease(database.sql, id)
    const worker = await runtime.startWorker()
    const second = await held.attempt(1)
    await second.emitMessage('from the second')
    await (await held.attempt(0)).emitMessage('from the first')
    held.release()
    const events = await rest.events(`runs/${id}/events?include_all=true`)
    expect(events).toMatchObject([
      { type: 'run.started', attempt: 1 },
      { type: 'run.retrying', attempt: 1 },
      { type: 'run.started', attempt: 2 },
      { type: 'assistant.message', content: 'from the second', attempt: 2 },
      { type: 'run.succeeded', attempt: 2 },
    ])
    await worker.stop()
  })
})
