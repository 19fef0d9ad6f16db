import { describe, expect } from 'vitest'
import type { AgentContext } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'
import { agentOf, ALL } from './waits-scene.ts'

describe('an approval', () => {
  const refund = (amount: (ctx: AgentContext) => number) =>
    agentOf(async (ctx) => {
      const call = { name: 'refund', arguments: { order: 7, amount: amount(ctx) } }
      const approval = await ctx.approve(call)
      if (!approval.approved) return { output: approval.reason }
      return { output: await ctx.step('refund', () => call.arguments.amount) }
    })

  interface Asked {
    name: string
    details: { tool: string; hash: string }
  }

  test('lets happen what it names, once', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [refund(() => 10)] })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const [asked] = (await rest.get(`runs/${id}`)).body['waits'] as [Asked]
    expect(asked).toMatchObject({
      kind: 'approval',
      details: { tool: 'refund', arguments: { order: 7, amount: 10 } },
      expires_at: expect.any(String) as string,
    })
    const answer = (hash: string) => ({ wait: asked.name, value: { approved: true, hash } })
    expect(await rest.post(`runs/${id}/respond`, answer('other'))).toMatchObject({ status: 400 })
    expect(await rest.post(`runs/${id}/respond`, answer(asked.details.hash))).toMatchObject({ status: 200 })
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: 10 },
    })
  })

  describe('of the same call a second time', () => {
    const twice = agentOf(async (ctx) => {
      const call = { name: 'pay', arguments: { amount: 100 } }
      const first = await ctx.approve(call)
      const second = await ctx.approve(call)
      return { output: [first.approved, second.approved] }
    })

    /** Asks, has the first approved, and waits for the second question. */
    async function approvedOnce(createServer: CreateServer) {
      const { rest } = await createServer({ agents: [twice] })
      const id = await rest.create('agent')
      const stream = await rest.stream(`runs/${id}/events`)
      const pending = async () => ((await rest.get(`runs/${id}`)).body['waits'] as [Asked])[0]
      await stream.until('run.waiting')
      const { name, details } = await pending()
      const answer = { wait: name, value: { approved: true, hash: details.hash } }
      expect((await rest.post(`runs/${id}/respond`, answer)).status).toBe(200)
      await stream.until('run.waiting')
      return { rest, id, answer, pending }
    }

    test('is another one: the answer to the first, sent again, allows nothing', async ({ createServer }) => {
      const { rest, id, answer, pending } = await approvedOnce(createServer)
      for (const again of [answer, answer, { ...answer, occurrence: 2 }]) {
        expect((await rest.post(`runs/${id}/respond`, again)).status).toBe(400)
      }
      expect((await rest.post(`runs/${id}/respond`, { ...answer, occurrence: 1 })).status).toBe(409)
      const { name, details } = await pending()
      expect(name).toBe(answer.wait)
      const denied = { wait: name, value: { approved: false, hash: details.hash } }
      expect((await rest.post(`runs/${id}/respond`, denied)).status).toBe(200)
      expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: [true, false] })
    })

    test('is answered by the hash that it was asked with, though by code before this one', async ({
      createServer,
      database,
    }) => {
      const { rest, id, answer, pending } = await approvedOnce(createServer)
      const { details } = await pending()
      await database.sql(
        `UPDATE agent_runtime.wait SET request = replace(request::text, $2, $3)::jsonb WHERE run_id = $1 AND occurrence = 2`,
        [id, details.hash, answer.value.hash],
      )
      expect((await rest.post(`runs/${id}/respond`, answer)).status).toBe(200)
      expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: [true, true] })
    })
  })

  test('is not for another amount: an agent that changes its mind has to ask again', async ({
    createServer,
  }) => {
    const { rest } = await createServer({ agents: [refund((ctx) => (ctx.attempt === 1 ? 10 : 1_000_000))] })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const [asked] = (await rest.get(`runs/${id}`)).body['waits'] as [Asked]
    await rest.post(`runs/${id}/respond`, {
      wait: asked.name,
      value: { approved: true, hash: asked.details.hash },
    })
    await expect
      .poll(async () => (await rest.get(`runs/${id}`)).body)
      .toMatchObject({ status: 'waiting', waits: [{ details: { arguments: { amount: 1_000_000 } } }] })
  })

  test('that is denied, or comes too late to be used, is none', async ({ createServer, database }) => {
    const agents = [refund(() => 10)]
    const { rest, runtime } = await createServer({ agents, worker: false })
    const worker = await runtime.startWorker()
    const [denied, late] = [await rest.create('agent'), await rest.create('agent')]
    for (const id of [denied, late]) await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    await worker.stop()
    const [asked] = (await rest.get(`runs/${denied}`)).body['waits'] as [Asked]
    const respond = (id: string, approved: boolean) =>
      rest.post(`runs/${id}/respond`, { wait: asked.name, value: { approved, hash: asked.details.hash } })
    expect(await respond(denied, false)).toMatchObject({ status: 200 })
    expect(await respond(late, true)).toMatchObject({ status: 200 })
    await database.sql(`UPDATE agent_runtime.wait SET expires_at = now() WHERE run_id = $1`, [late])
    await runtime.startWorker()
    for (const id of [denied, late]) await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${denied}`)).body).toMatchObject({ output: { final_output: 'denied' } })
    expect((await rest.get(`runs/${late}`)).body).toMatchObject({ output: { final_output: 'timed_out' } })
  })
})
