// The waits of runs below, in the streams of the runs above.
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { ChildRunError, defineAgent, ownersOnly } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { ALL, asking, childOf, parentOf, WITHIN } from './scene.ts'

const middle = defineAgent({
  key: 'middle',
  async run(ctx) {
    return { output: (await ctx.runAgent(asking)).output }
  },
})
const top = parentOf(async (ctx) => ({ output: (await ctx.runAgent(middle)).output }))
const users = {
  authenticate: (request: Request) => ({
    id: request.headers.get('x-user') ?? 'ann',
    tenantId: '',
    kind: 'user' as const,
  }),
}

describe('what a run two levels below waits for', () => {
  test('is told in the stream of each run above, and answered over any of them', async ({ createServer }) => {
    const { rest, as } = await createServer({ agents: [top, middle, asking], ...users })
    for (const over of ['top', 'middle', 'itself'] as const) {
      const id = await rest.create('parent')
      const told = await (await rest.stream(`runs/${id}/events`)).until('child.waiting')
      const child = await childOf(rest, id)
      const below = await childOf(rest, child)
      expect(told.at(-1)).toMatchObject({
        child_run_id: below,
        agent_key: 'asking',
        parent_run_id: child,
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
      await (await rest.stream(`runs/${child}/events`)).until('child.waiting')
      expect((await rest.get(`runs/${id}`)).body).toMatchObject({
        waits: [{ name: 'address', run_id: below }],
      })
      const answered = { top: id, middle: child, itself: below }[over]
      const wrong = await rest.post(`runs/${answered}/respond`, { wait: 'address', value: { street: 7 } })
      expect(wrong.status).toBe(400)
      const answer = { wait: 'address', value: { street: 'Main St' } }
      const others = await as({ 'x-user': 'bob' }).rest.post(`runs/${answered}/respond`, answer)
      expect(others.status).toBe(404)
      expect((await rest.post(`runs/${answered}/respond`, answer)).status).toBe(200)
      const events = await rest.events(`runs/${id}/${ALL}`)
      expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: { street: 'Main St' } })
      expect((await rest.post(`runs/${answered}/respond`, answer)).status).toBeGreaterThanOrEqual(404)
    }
  })

  test('is told to be over when the run in between is', async ({ createServer }) => {
    const goesOn = parentOf(async (ctx) => {
      await ctx.runAgent(middle).catch((error: unknown) => {
        if (!(error instanceof ChildRunError)) throw error
      })
      return { output: (await ctx.wait('go', z.string())).value }
    })
    const { rest } = await createServer({ agents: [goesOn, middle, asking] })
    const id = await rest.create('parent')
    const stream = await rest.stream(`runs/${id}/events`)
    const told = (await stream.until('child.waiting')).at(-1)
    expect(told).toMatchObject({ waits: [{ name: 'address' }] })
    const child = await childOf(rest, id)
    expect((await rest.post(`runs/${child}/cancel`)).status).toBe(200)
    const { child_run_id: below } = z.object({ child_run_id: z.string() }).parse(told)
    expect((await stream.until('child.waiting')).at(-1)).toMatchObject({ child_run_id: below, waits: [] })
    await stream.close()
    expect((await rest.post(`runs/${id}/respond`, { wait: 'go', value: 'on' })).status).toBe(200)
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: 'on' })
  })

  test('is asked as any wait whether it may be answered', async ({ createServer }) => {
    const asked: unknown[] = []
    const { rest } = await createServer({
      agents: [top, middle, asking],
      ...users,
      authorize(...question) {
        const [, action, resource] = question
        if (action !== 'respond') return ownersOnly(...question)
        asked.push(resource)
        return false
      },
    })
    const id = await rest.create('parent')
    await (await rest.stream(`runs/${id}/events`)).until('child.waiting')
    const answer = { wait: 'address', value: { street: 'Main St' } }
    expect((await rest.post(`runs/${id}/respond`, answer)).status).toBe(403)
    expect(asked).toMatchObject([{ run: { agentKey: 'asking' }, wait: { name: 'address', kind: 'input' } }])
    await rest.post(`runs/${id}/cancel`)
  })
})

test('what a run above was too busy to be told it is told as soon as it waits again', async ({
  createServer,
  database,
}) => {
  const busy = Promise.withResolvers<void>()
  const mayAsk = Promise.withResolvers<void>()
  const mayWait = Promise.withResolvers<void>()
  const late = defineAgent({
    key: 'late',
    async run(ctx) {
      await mayAsk.promise
      return { output: (await ctx.wait('address', z.string())).value }
    },
  })
  const quick = defineAgent({ key: 'quick', async run() {} })
  const parent = parentOf(async (ctx) => {
    if (ctx.attempt === 1) void ctx.runAgent(late)
    await ctx.runAgent(quick)
    busy.resolve()
    await mayWait.promise
    return { output: (await ctx.runAgent(late)).output }
  })
  const { rest } = await createServer({ agents: [parent, late, quick] })
  const id = await rest.create('parent')
  const stream = await rest.stream(`runs/${id}/events`)
  await busy.promise
  mayAsk.resolve()
  // Puts the news off, so that no regular look finds it.
  const put = `UPDATE agent_runtime.family_news SET next_at = now() + interval '1 hour' WHERE next_at > now() RETURNING id`
  await expect.poll(async () => (await database.sql(put)).length, WITHIN).toBe(1)
  mayWait.resolve()
  expect((await stream.until('child.waiting')).at(-1)).toMatchObject({ waits: [{ name: 'address' }] })
  await stream.close()
  expect((await rest.post(`runs/${id}/respond`, { wait: 'address', value: 'Main St' })).status).toBe(200)
  expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: 'Main St' })
})
