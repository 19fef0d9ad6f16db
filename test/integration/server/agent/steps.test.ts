import { describe, expect, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent, NonRetriableError } from '../../../../server/index.ts'
import type { AgentContext, Json } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { claimAsAnother } from '../../../support/takeover.ts'

/** An agent of one kind of run, tried up to three times. */
const agentOf = (run: (ctx: AgentContext) => Promise<{ output: Json }>) =>
  defineAgent({ key: 'agent', maxAttempts: 3, output: z.json(), run })

const ALL = 'events?include_all=1'

describe('a step', () => {
  test('that completed is not done again by a later attempt, which gets its result', async ({
    createServer,
  }) => {
    const done: string[] = []
    const agent = agentOf(async (ctx) => {
      const first = await ctx.step('first', () => {
        done.push(`first in ${ctx.attempt}`)
        return { token: 'abc', none: null }
      })
      const nothing = await ctx.step('nothing', () => void done.push(`nothing in ${ctx.attempt}`))
      if (ctx.attempt === 1) throw new Error('crash')
      const second = await ctx.step('second', () => {
        done.push(`second in ${ctx.attempt}`)
        return 2
      })
      return { output: { first, isNothing: nothing === undefined, second } }
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({
      type: 'run.succeeded',
      output: { first: { token: 'abc', none: null }, isNothing: true, second: 2 },
    })
    expect(done).toEqual(['first in 1', 'nothing in 1', 'second in 2'])
    expect(
      events.filter(({ type }) => type === 'step.completed').map(({ attempt, name }) => [attempt, name]),
    ).toEqual([
      [1, 'first'],
      [1, 'nothing'],
      [2, 'second'],
    ])
  })

  test('of the same name as another is told apart by order, also when they overlap', async ({
    createServer,
  }) => {
    const done: string[] = []
    const agent = agentOf(async (ctx) => {
      const fetch = (page: string) =>
        ctx.step('fetch', async () => {
          done.push(page)
          return page.toUpperCase()
        })
      const pages = await Promise.all(['a', 'b', 'c'].map(fetch))
      if (ctx.attempt === 1) throw new Error('crash')
      return { output: [...pages, await fetch('d')] }
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    await rest.events(`runs/${id}/${ALL}`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: ['A', 'B', 'C', 'D'] },
    })
    expect(done.toSorted((a, b) => a.localeCompare(b))).toEqual(['a', 'b', 'c', 'd'])
  })

  test('that is done is not done again because storing it failed', async ({ createServer, database }) => {
    await database.sql(
      `CREATE SEQUENCE public.tries;
       CREATE FUNCTION public.fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
           IF nextval('public.tries') <= 2 THEN RAISE EXCEPTION USING ERRCODE = '57P01'; END IF;
           RETURN NEW;
         END $$;
       CREATE TRIGGER fail_twice BEFORE INSERT ON agent_runtime.step
         FOR EACH ROW EXECUTE FUNCTION public.fail_twice()`,
    )
    let done = 0
    const agent = agentOf(async (ctx) => ({ output: await ctx.step('charge', () => (done += 1)) }))
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: 1 },
      attempt: 1,
    })
    expect(done).toBe(1)
  })

  test('that throws is tried again as often as it says, with one idempotency key', async ({
    createServer,
  }) => {
    const keys: string[] = []
    const agent = agentOf(async (ctx) => ({
      output: await ctx.step(
        'flaky',
        ({ idempotencyKey }) => {
          keys.push(idempotencyKey)
          if (keys.length < 3) throw new Error('not yet')
          return keys.length
        },
        { retries: 2 },
      ),
    }))
    const { rest } = await createServer({ agents: [agent], config: { retryDelaySeconds: 0.01 } })
    const id = await rest.create('agent')
    await rest.events(`runs/${id}/${ALL}`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      attempt: 1,
      output: { final_output: 3 },
    })
    expect(new Set(keys)).toEqual(new Set([`${id}/flaky/1`]))
  })

  test('that says another try is no use is not tried again, nor is its run', async ({ createServer }) => {
    let tries = 0
    const agent = agentOf(async (ctx) => ({
      output: await ctx.step(
        'hopeless',
        (): Json => {
          tries += 1
          throw new NonRetriableError('no such thing')
        },
        { retries: 5 },
      ),
    }))
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.failed')
    expect(tries).toBe(1)
  })

  test('that takes too long is told by its signal and counts as thrown', async ({ createServer }) => {
    const reasons: unknown[] = []
    const agent = agentOf(async (ctx) => ({
      output: await ctx.step(
        'slow',
        ({ signal }) =>
          new Promise<string>((resolve) => {
            if (reasons.length > 0) return resolve('in time')
            signal.addEventListener('abort', () => reasons.push(signal.reason))
          }),
        { timeoutMs: 30, retries: 1 },
      ),
    }))
    const { rest } = await createServer({ agents: [agent], config: { retryDelaySeconds: 0.01 } })
    const id = await rest.create('agent')
    await rest.events(`runs/${id}/${ALL}`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: 'in time' },
    })
    expect(reasons).toEqual([new Error('The step took longer than 30 ms.')])
  })

  test('whose result is not JSON fails with a message that says so, and is not done again', async ({
    createServer,
  }) => {
    const done: number[] = []
    const agent = agentOf(async (ctx) => ({
      output: await ctx.step('odd', () => {
        done.push(ctx.attempt)
        // A caller without types may do this.
        return new Map() as unknown as Json
      }),
    }))
    const { rest, log } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.failed')
    const entry = log.find(({ message }) => message === 'the agent failed')
    expect(
      JSON.stringify(entry, (_key, value: unknown) => (value instanceof Error ? value.message : value)),
    ).toContain('What step \\"odd\\" returned can\'t be stored: it is a Map')
    expect(done).toEqual([1])
  })

  test('of an attempt that was overtaken is not stored', async ({ createServer, database }) => {
    const overtaken = Promise.withResolvers<void>()
    const caught = Promise.withResolvers<unknown>()
    const agent = agentOf(async (ctx) => {
      await ctx.emitMessage('before')
      await overtaken.promise
      const stale = ctx.step('stale', () => 'ghost')
      return stale.then(
        (output) => ({ output }),
        (error: unknown) => {
          caught.resolve(error)
          throw error
        },
      )
    })
    const { rest } = await createServer({ agents: [agent], config: { leaseTtlSeconds: 120 } })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('assistant.message')
    await claimAsAnother(database.sql, id)
    overtaken.resolve()
    expect(await caught.promise).toMatchObject({ kind: 'lost' })
    expect(await database.sql('SELECT * FROM agent_runtime.step')).toEqual([])
  })
})

test('a process that stood still while its run went on elsewhere begins no step of it', async ({
  createServer,
  database,
}) => {
  const [stopped, resumed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const begun: string[] = []
  const caught = Promise.withResolvers<unknown>()
  const agent = agentOf(async (ctx) => {
    await ctx.step('first', () => void begun.push('first'))
    stopped.resolve()
    await resumed.promise
    const second = ctx.step('second', () => void begun.push('second'))
    await second.catch((error: unknown) => caught.resolve(error))
    return { output: null }
  })
  const { rest, runtime } = await createServer({ agents: [agent], worker: false })
  const worker = await runtime.startWorker()
  const id = await rest.create('agent')
  await stopped.promise
  await claimAsAnother(database.sql, id)
  // Neither the lease's timer nor a write has told it yet, only its clock.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 16_000 })
  onTestFinished(() => void vi.useRealTimers())
  resumed.resolve()
  expect(await caught.promise).toMatchObject({ name: 'RunInterruption', kind: 'lost' })
  expect(begun).toEqual(['first'])
  await worker.stop()
})
