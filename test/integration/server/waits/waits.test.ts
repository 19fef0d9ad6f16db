import { describe, expect } from 'vitest'
import { z } from 'zod'
import type { AgentContext } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { expireLease } from '../../../support/takeover.ts'
import { agentOf, ALL } from './waits-scene.ts'

const asking = agentOf(async (ctx) => {
  const { value, respondedBy } = await ctx.wait('address', z.object({ street: z.string().min(1) }), {
    details: { question: 'Where to?' },
  })
  return { output: { street: value.street, respondedBy } }
})

describe('a wait', () => {
  describe('that nobody answered', () => {
    /** Waits for `b` too, once. */
    const askTwo = async (ctx: AgentContext): Promise<number> => {
      const asked = [ctx.wait('a', z.number())]
      if (ctx.attempt === 1) asked.push(ctx.wait('b', z.number()))
      const answers = await Promise.all(asked)
      return answers[0]!.value
    }
    const ALL_WAITS = 'SELECT name, status FROM agent_runtime.wait ORDER BY name'
    const SETTLED = [
      { name: 'a', status: 'answered' },
      { name: 'b', status: 'cancelled' },
    ]

    test('is over with its run', async ({ createServer, database }) => {
      const { rest } = await createServer({
        agents: [agentOf(async (ctx) => ({ output: await askTwo(ctx) }))],
      })
      const id = await rest.create('agent')
      await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
      await rest.post(`runs/${id}/respond`, { wait: 'a', value: 7 })
      expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.succeeded')
      expect(await database.sql(ALL_WAITS)).toEqual(SETTLED)
    })

    test('is over with a run whose workers are lost', async ({ createServer, database }) => {
      const lost = Promise.withResolvers<void>()
      const begun = Promise.withResolvers<void>()
      const dying = agentOf(async (ctx) => {
        await askTwo(ctx)
        begun.resolve()
        await lost.promise
        return { output: null }
      })
      const { rest } = await createServer({ agents: [dying] })
      const id = await rest.create('agent', { max_attempts: 1 })
      await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
      await rest.post(`runs/${id}/respond`, { wait: 'a', value: 7 })
      await begun.promise
      await expireLease(database.sql, id)
      expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.failed')
      lost.resolve()
      expect(await database.sql(ALL_WAITS)).toEqual(SETTLED)
    })
  })

  test('is told from another of its name by its occurrence', async ({ createServer }) => {
    const confirming = agentOf(async (ctx) => {
      const call = { name: 'pay', arguments: { euros: 5 } }
      const both = await Promise.all([ctx.approve(call), ctx.approve(call)])
      return { output: both.map(({ approved }) => approved) }
    })
    const { rest, trpc } = await createServer({ agents: [confirming] })
    const asked = async () => {
      const id = await rest.create('agent')
      await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
      const { waits } = (await rest.get(`runs/${id}`)).body as {
        waits: { name: string; occurrence?: number; details: { hash: string } }[]
      }
      expect(waits.map(({ occurrence }) => occurrence)).toEqual([undefined, 2])
      const [one, two] = waits.map(({ details }) => details.hash)
      expect(one).not.toBe(two)
      return { id, wait: waits[0]!.name, hashOf: (occurrence: unknown) => (occurrence === 2 ? two : one)! }
    }
    const outcomeOf = async (id: string) => (await rest.events(`runs/${id}/${ALL}`)).at(-1)

    const first = await asked()
    const over = (occurrence: unknown, approved: boolean) =>
      rest.post(`runs/${first.id}/respond`, {
        wait: first.wait,
        occurrence,
        value: { approved, hash: first.hashOf(occurrence) },
      })
    for (const occurrence of [0, 1.5, '2', 2 ** 31]) expect((await over(occurrence, true)).status).toBe(400)
    // An approval that is sent twice must not count for the other question.
    expect(await over(undefined, true)).toMatchObject({
      status: 409,
      body: { code: 'conflict', details: { reason: 'several', occurrences: [1, 2] } },
    })
    expect((await over(3, true)).status).toBe(404)
    expect((await over(2, true)).status).toBe(200)
    // Sent again, it answers nothing else.
    expect((await over(2, true)).status).toBe(409)
    // Only one is left.
    expect((await over(undefined, false)).status).toBe(200)
    expect(await outcomeOf(first.id)).toMatchObject({ output: [false, true] })

    const { id, wait, hashOf } = await asked()
    const answer = (occurrence: number | undefined, approved: boolean) =>
      trpc.client.runs.respond.mutate({
        runId: id,
        wait,
        occurrence,
        value: { approved, hash: hashOf(occurrence) },
      })
    await expect(answer(3, true)).rejects.toMatchObject({ data: { error: { code: 'not_found' } } })
    await expect(answer(undefined, true)).rejects.toMatchObject({ data: { error: { code: 'conflict' } } })
    await answer(2, true)
    await expect(answer(2, true)).rejects.toMatchObject({ data: { error: { code: 'conflict' } } })
    await answer(1, false)
    expect(await outcomeOf(id)).toMatchObject({ output: [false, true] })
  })

  test('is none to choose from once its time is up, though nothing has settled it', async ({
    createServer,
    database,
  }) => {
    const asking = agentOf(async (ctx) => {
      const ask = () => ctx.wait('go', z.string(), { timeoutMs: 3_600_000 })
      const all = await Promise.all([ask(), ask(), ask()])
      return { output: all.map((one) => (one.status === 'answered' ? one.value : one.status)) }
    })
    const { rest } = await createServer({ agents: [asking] })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    await database.sql(
      `UPDATE agent_runtime.wait SET expires_at = now() WHERE run_id = $1 AND occurrence = 1`,
      [id],
    )
    const answer = (value: string, occurrence?: number) =>
      rest.post(`runs/${id}/respond`, { wait: 'go', value, occurrence })
    expect(await answer('first')).toMatchObject({ status: 409, body: { details: { occurrences: [2, 3] } } })
    expect((await answer('late', 1)).status).toBe(409)
    expect((await answer('second', 2)).status).toBe(200)
    expect((await answer('third')).status).toBe(200)
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({
      output: ['timed_out', 'second', 'third'],
    })
  })

  test('ends the attempt, tells what is asked, and goes on with the answer', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [asking] })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const { body } = await rest.get(`runs/${id}`)
    expect(body).toMatchObject({
      status: 'waiting',
      waits: [
        {
          name: 'address',
          kind: 'input',
          details: { question: 'Where to?' },
          schema: { type: 'object', required: ['street'] },
          expires_at: null,
        },
      ],
    })
    const answer = { wait: 'address', value: { street: 'Main St' } }
    const accepted = await rest.post(`runs/${id}/respond`, answer)
    expect(accepted).toMatchObject({ status: 200, body: { status: 'queued' } })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.map(({ type, attempt }) => [type, attempt])).toEqual([
      ['run.started', 1],
      ['run.waiting', 1],
      ['run.resumed', 1],
      ['run.started', 2],
      ['run.succeeded', 2],
    ])
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      output: { final_output: { street: 'Main St', respondedBy: 'public' } },
      waits: [],
    })
    expect(await rest.post(`runs/${id}/respond`, answer)).toMatchObject({ status: 409 })
  })

  test('refuses an answer that does not fit, that nobody asked for, or that is not its owner’s', async ({
    createServer,
  }) => {
    const { rest, as } = await createServer({
      agents: [asking],
      authenticate: (request) => ({ id: request.headers.get('x-user') ?? 'ann', tenantId: '', kind: 'user' }),
    })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const wrong = await rest.post(`runs/${id}/respond`, { wait: 'address', value: { street: '' } })
    expect(wrong).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', details: [{ path: 'value.street' }] },
    })
    expect(await rest.post(`runs/${id}/respond`, { wait: 'name', value: 1 })).toMatchObject({
      status: 404,
      body: { details: { waits: ['address'] } },
    })
    const answer = { wait: 'address', value: { street: 'Main St' } }
    expect(await as({ 'x-user': 'bob' }).rest.post(`runs/${id}/respond`, answer)).toMatchObject({
      status: 404,
    })
    expect(await rest.get(`runs/${id}`)).toMatchObject({ body: { status: 'waiting' } })
    await rest.post(`runs/${id}/cancel`)
    expect(await rest.post(`runs/${id}/respond`, answer)).toMatchObject({ status: 409 })
  })

  test('takes one of many answers that come at once', async ({ createServer }) => {
    const agents = [agentOf(async (ctx) => ({ output: (await ctx.wait('n', z.number())).value }))]
    const [one, two] = [await createServer({ agents }), await createServer({ agents, worker: false })]
    const id = await one.rest.create('agent')
    await (await one.rest.stream(`runs/${id}/events`)).until('run.waiting')
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, value) =>
        (value % 2 === 0 ? one : two).rest.post(`runs/${id}/respond`, { wait: 'n', value }),
      ),
    )
    const taken = answers.flatMap(({ status }, value) => (status === 200 ? [value] : []))
    expect(taken).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9)
    await one.rest.events(`runs/${id}/events`)
    expect((await one.rest.get(`runs/${id}`)).body).toMatchObject({ output: { final_output: taken[0] } })
  })

  test('that is not answered in time says so', async ({ createServer }) => {
    const agent = agentOf(async (ctx) => {
      const outcome = await ctx.wait('word', z.string(), { timeoutMs: 50 })
      return { output: outcome.status === 'answered' ? outcome.value : 'nothing' }
    })
    // The hint of the attempt's end comes too early, so the poll must find it.
    const { rest } = await createServer({ agents: [agent], config: { queuePollIntervalSeconds: 0.05 } })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2, output: 'nothing' })
    expect(await rest.post(`runs/${id}/respond`, { wait: 'word', value: 'late' })).toMatchObject({
      status: 409,
    })
  })

  test('holds no worker: as many wait as like', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [asking], worker: { concurrency: 1 } })
    const ids = await Promise.all(Array.from({ length: 5 }, () => rest.create('agent')))
    for (const id of ids) await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    for (const id of ids.toReversed()) {
      await rest.post(`runs/${id}/respond`, { wait: 'address', value: { street: id } })
    }
    for (const id of ids) await rest.events(`runs/${id}/events`)
    for (const id of ids)
      expect((await rest.get(`runs/${id}`)).body).toMatchObject({ output: { final_output: { street: id } } })
  })

  test('outlives everything: other servers and workers go on with it', async ({ createServer }) => {
    const before = await createServer({ agents: [asking] })
    const id = await before.rest.create('agent')
    await (await before.rest.stream(`runs/${id}/events`)).until('run.waiting')
    await before.runtime.stop()
    const after = await createServer({ agents: [asking] })
    await after.rest.post(`runs/${id}/respond`, { wait: 'address', value: { street: 'Main St' } })
    const events = await after.rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2 })
  })

  test('is cancelled with its run', async ({ createServer, database }) => {
    const { rest } = await createServer({ agents: [asking] })
    const id = await rest.create('agent')
    const following = rest.events(`runs/${id}/events`)
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    expect(await rest.post(`runs/${id}/cancel`)).toMatchObject({
      status: 200,
      body: { run: { status: 'cancelled' } },
    })
    expect((await following).map(({ type }) => type)).toEqual(['run.started', 'run.waiting', 'run.cancelled'])
    expect(await database.sql('SELECT status FROM agent_runtime.wait')).toEqual([{ status: 'cancelled' }])
  })

  test('does not do again the steps before it, and several are asked at once', async ({ createServer }) => {
    const done: string[] = []
    const agent = agentOf(async (ctx) => {
      await ctx.step('before', () => void done.push('before'))
      const [a, b] = await Promise.all([ctx.wait('a', z.number()), ctx.wait('b', z.number())])
      const again = await ctx.wait('a', z.number())
      await ctx.step('after', () => void done.push('after'))
      return { output: [a.value, b.value, again.value] }
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    const waits = async () => {
      await expect.poll(async () => (await rest.get(`runs/${id}`)).body['status']).toBe('waiting')
      return ((await rest.get(`runs/${id}`)).body['waits'] as { name: string }[]).map(({ name }) => name)
    }
    expect(await waits()).toEqual(['a', 'b'])
    await rest.post(`runs/${id}/respond`, { wait: 'b', value: 2 })
    expect(await waits()).toEqual(['a'])
    await rest.post(`runs/${id}/respond`, { wait: 'a', value: 1 })
    expect(await waits()).toEqual(['a'])
    await rest.post(`runs/${id}/respond`, { wait: 'a', value: 3 })
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: [1, 2, 3] },
    })
    expect(done).toEqual(['before', 'after'])
  })

  test('may be swallowed by the agent’s own catch: the run waits all the same', async ({ createServer }) => {
    const agent = agentOf(async (ctx) => {
      try {
        return { output: (await ctx.wait('n', z.number())).value }
      } catch {
        return { output: 'caught' }
      }
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    await rest.post(`runs/${id}/respond`, { wait: 'n', value: 4 })
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: 4 },
    })
  })

  test('by a schema there is no JSON Schema of is an error that says so', async ({ createServer }) => {
    const agent = agentOf(async (ctx) => ({ output: (await ctx.wait('when', z.date())).value.getTime() }))
    const { rest, log } = await createServer({ agents: [agent] })
    await rest.events(`runs/${await rest.create('agent')}/events`)
    expect(JSON.stringify(log.map(({ fields }) => String((fields as { err?: unknown }).err)))).toContain(
      "can't be written as JSON Schema",
    )
  })
})

describe('a sleep', () => {
  test('goes on when it is over, by whichever worker there is', async ({ createServer }) => {
    const agent = agentOf(async (ctx) => {
      const startedAt = await ctx.step('start', () => Date.now())
      await ctx.sleep(300)
      await ctx.sleep(0)
      return { output: Date.now() - startedAt }
    })
    const config = { queuePollIntervalSeconds: 0.05 }
    const first = await createServer({ agents: [agent], config })
    const id = await first.rest.create('agent')
    await (await first.rest.stream(`runs/${id}/events`)).until('run.waiting')
    await first.runtime.stop()
    const second = await createServer({ agents: [agent], config })
    await second.rest.events(`runs/${id}/events`)
    const { body } = await second.rest.get(`runs/${id}`)
    expect(body).toMatchObject({ status: 'succeeded', attempt: 3 })
    expect((body['output'] as { final_output: number }).final_output).toBeGreaterThanOrEqual(300)
  })
})
