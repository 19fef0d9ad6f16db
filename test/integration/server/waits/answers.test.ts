import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

/** Asks two people at once. An attempt that one of them resumed continues until the test lets it end. */
function createAskingTwo() {
  const [started, let_] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()]
  const agent = defineAgent({
    key: 'agent',
    output: z.json(),
    async run(ctx) {
      if (ctx.attempt === 2) {
        started.resolve(ctx.signal)
        await let_.promise
      }
      const [a, b] = await Promise.all([ctx.wait('a', z.number()), ctx.wait('b', z.number())])
      return { output: [a.value, b.value] }
    },
  })
  return { agent, resumed: started.promise, letGoOn: () => let_.resolve() }
}

describe('an answer that comes while its run is running', () => {
  test('has the run go on with it, once the attempt asks', async ({ createServer, database }) => {
    const { agent, resumed, letGoOn } = createAskingTwo()
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    expect(await rest.post(`runs/${id}/respond`, { wait: 'a', value: 1 })).toMatchObject({ status: 200 })
    const signal = await resumed
    expect(await rest.post(`runs/${id}/respond`, { wait: 'b', value: 2 })).toMatchObject({ status: 200 })
    // Hints arrive in order, so after this one those of the answer have arrived too.
    await rest.get(`runs/${id}`)
    letGoOn()
    const events = await rest.events(`runs/${id}/events?include_all=1`)
    // After each run.waiting, a reader sees a run.resumed with the name of the wait.
    expect(events.map(({ type, attempt, payload }) => [type, attempt, Object(payload).wait])).toEqual([
      ['run.started', 1, undefined],
      ['run.waiting', 1, undefined],
      ['run.waiting', 1, undefined],
      ['run.resumed', 1, 'a'],
      ['run.started', 2, undefined],
      ['run.waiting', 2, undefined],
      ['run.resumed', 2, 'b'],
      ['run.started', 3, undefined],
      ['run.succeeded', 3, undefined],
    ])
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: [1, 2] },
    })
    expect(signal.reason).not.toMatchObject({ kind: 'cancelled' })
    expect(
      await database.sql('SELECT cancel_requested_at FROM agent_runtime.run WHERE id = $1', [id]),
    ).toEqual([{ cancel_requested_at: null }])
  })
})

describe('a cancel hint', () => {
  test('of a run that nobody cancelled is asked after, and changes nothing', async ({
    createServer,
    database,
  }) => {
    const { agent, resumed, letGoOn } = createAskingTwo()
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    for (const [wait, value] of Object.entries({ a: 1, b: 2 })) {
      await rest.post(`runs/${id}/respond`, { wait, value })
    }
    await resumed
    const before = await database.sql('SELECT lease_expires_at FROM agent_runtime.run')
    await database.sql(`SELECT pg_notify('agent_runtime', $1)`, [
      JSON.stringify([{ kind: 'cancel', runId: id }]),
    ])
    // A look renews the lease, which shows that the hint arrived.
    await expect
      .poll(() => database.sql('SELECT lease_expires_at FROM agent_runtime.run'))
      .not.toEqual(before)
    letGoOn()
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status: 'succeeded' })
  })
})
