// What happens to the runs below a run that is over, and to those above.
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { ChildRunError, defineAgent } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'
import { WITHIN, ALL, asking, childOf, parentOf } from './scene.ts'

const middle = defineAgent({
  key: 'middle',
  async run(ctx) {
    await ctx.runAgent(asking)
  },
})
const top = parentOf(async (ctx) => {
  await ctx.runAgent(middle)
  return { output: null }
})

describe('when a run is over, those that it waits for', () => {
  test('are cancelled with it, the whole tree, also those that run', async ({ createServer, database }) => {
    const held = createHeldAgent()
    const both = parentOf(async (ctx) => {
      await Promise.all([ctx.runAgent(middle), ctx.runAgent(held.agent)])
      return { output: null }
    })
    const { rest } = await createServer({ agents: [both, middle, asking, held.agent] })
    const id = await rest.create('parent')
    const context = await held.attempt(0)
    await expect
      .poll(
        () =>
          database.sql(
            `SELECT agent_key FROM agent_runtime.run WHERE status = 'waiting' ORDER BY depth NULLS FIRST`,
          ),
        WITHIN,
      )
      .toEqual(['parent', 'middle', 'asking'].map((agent_key) => ({ agent_key })))
    await rest.post(`runs/${id}/cancel`)
    await expect
      .poll(() => database.sql('SELECT DISTINCT status FROM agent_runtime.run'), WITHIN)
      .toEqual([{ status: 'cancelled' }])
    expect(context.signal.aborted).toBe(true)
    expect(await database.sql(`SELECT FROM agent_runtime.wait WHERE status = 'pending'`)).toEqual([])
    await expect.poll(() => database.sql('SELECT FROM agent_runtime.family_news'), WITHIN).toEqual([])
  })

  test('are cancelled too where it fails, times out, or succeeds without them', async ({
    createServer,
    database,
  }) => {
    const leaving = (key: string, end: () => Promise<{ output: null }>, limits = {}) =>
      defineAgent({
        key,
        output: z.null(),
        ...limits,
        async run(ctx) {
          // The answer to the question lets it continue without the other run.
          const asked = ctx.attempt === 1 ? ctx.runAgent(asking) : undefined
          await Promise.all([asked, ctx.wait('go', z.boolean())])
          return end()
        },
      })
    const failing = leaving('failing', async () => Promise.reject(new Error('no')))
    const done = leaving('done', async () => ({ output: null }))
    const slow = leaving('slow', () => new Promise(() => {}), { timeoutMs: 3_000 })
    const { rest } = await createServer({ agents: [failing, done, slow, asking] })
    for (const [key, status] of [
      ['failing', 'failed'],
      ['done', 'succeeded'],
      ['slow', 'timed_out'],
    ] as const) {
      const id = await rest.create(key)
      const child = await childOf(rest, id)
      await (await rest.stream(`runs/${child}/events`)).until('run.waiting')
      await rest.post(`runs/${id}/respond`, { wait: 'go', value: true })
      expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe(`run.${status}`)
      expect((await rest.events(`runs/${child}/events`)).at(-1)?.type).toBe('run.cancelled')
    }
    await expect.poll(() => database.sql('SELECT FROM agent_runtime.family_news'), WITHIN).toEqual([])
  })

  test('go with it when it is deleted, and what is above one that was deleted goes on', async ({
    createServer,
    database,
  }) => {
    const { rest, runtime } = await createServer({ agents: [top, middle, asking] })
    const id = await rest.create('parent')
    const child = await childOf(rest, id)
    const below = await childOf(rest, child)
    expect(below).not.toBe(child)
    await (await rest.stream(`runs/${id}/events`)).until('child.waiting')
    await database.sql(
      `WITH gone AS (DELETE FROM agent_runtime.run WHERE id = $1)
       DELETE FROM agent_runtime.event WHERE run_id = $1`,
      [child],
    )
    const events = await rest.events(`runs/${id}/events`)
    expect(events.at(-1)).toMatchObject({
      type: 'run.failed',
      code: 'child_failed',
      details: { status: 'cancelled' },
    })
    await expect.poll(() => database.sql('SELECT id FROM agent_runtime.run'), WITHIN).toEqual([{ id }])
    expect(await runtime.erase({ id: 'public', tenantId: '', kind: 'public' })).toMatchObject({ runs: 1 })
  })
})

test('a detached run goes on when the one above is over, which is not told what it waits for', async ({
  createServer,
  database,
}) => {
  const parent = parentOf(async (ctx) => {
    const { runId } = await ctx.startAgent(asking)
    await ctx.wait('go', z.boolean())
    return { output: runId }
  })
  const { rest } = await createServer({ agents: [parent, asking] })
  const id = await rest.create('parent')
  const child = await childOf(rest, id)
  await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
  await (await rest.stream(`runs/${child}/events`)).until('run.waiting')
  await expect.poll(() => database.sql('SELECT FROM agent_runtime.family_news'), WITHIN).toEqual([])
  const answer = { wait: 'address', value: { street: 'Main St' } }
  expect((await rest.post(`runs/${id}/respond`, answer)).status).toBe(404)
  await rest.post(`runs/${id}/respond`, { wait: 'go', value: true })
  const events = await rest.events(`runs/${id}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: child })
  expect(events.filter(({ type }) => type.startsWith('child.'))).toMatchObject([
    { type: 'child.started', child_run_id: child, detached: true },
  ])
  expect((await rest.get(`runs/${child}`)).body).toMatchObject({ status: 'waiting', parent_run_id: id })
  await rest.post(`runs/${child}/respond`, answer)
  expect((await rest.events(`runs/${child}/events`)).at(-1)?.type).toBe('run.succeeded')
})

test('a detached run, whose run above is over, asks once in the conversation of that', async ({
  createServer,
}) => {
  const index = defineAgent({
    key: 'index',
    maxAttempts: 2,
    params: z.object({ conversationId: z.string() }),
    async run(ctx) {
      await ctx.step('tell', ({ idempotencyKey }) =>
        runtime.runs.create(ctx.principal, {
          agentKey: 'chat',
          conversationId: ctx.params.conversationId,
          messages: [{ role: 'user', content: 'The index is ready.' }],
          idempotencyKey,
        }),
      )
      if (ctx.attempt === 1) throw new Error('It dies after it has asked.')
    },
  })
  const chat = defineAgent({
    key: 'chat',
    async run(ctx) {
      const isFirst = ctx.messages.length === 1
      if (isFirst) await ctx.startAgent(index, { params: { conversationId: ctx.conversationId ?? '' } })
      return { messages: [{ role: 'assistant', content: isFirst ? 'I have begun.' : 'Good.' }] }
    },
  })
  const { rest, runtime } = await createServer({ agents: [chat, index] })
  const { body } = await rest.post('runs', {
    agent_key: 'chat',
    conversation: 'new',
    messages: [{ role: 'user', content: 'Index it.' }],
  })
  const child = await childOf(rest, String(body['id']))
  expect((await rest.events(`runs/${child}/events`)).at(-1)?.type).toBe('run.succeeded')
  const said = async () => {
    const { body: found } = await rest.get(`conversations/${String(body['conversation_id'])}`)
    return (found['messages'] as { content: string }[]).map(({ content }) => content)
  }
  await expect.poll(said, WITHIN).toEqual(['Index it.', 'I have begun.', 'The index is ready.', 'Good.'])
})

test('a child that is cancelled by itself is an error in its parent', async ({ createServer }) => {
  const parent = parentOf(async (ctx) => {
    try {
      await ctx.runAgent(asking)
    } catch (error) {
      if (error instanceof ChildRunError)
        return { output: { status: error.status, code: error.runError?.code ?? null } }
      throw error
    }
    return { output: null }
  })
  const { rest } = await createServer({ agents: [parent, asking] })
  const id = await rest.create('parent')
  const child = await childOf(rest, id)
  await (await rest.stream(`runs/${child}/events`)).until('run.waiting')
  await rest.post(`runs/${child}/cancel`)
  const events = await rest.events(`runs/${id}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: { status: 'cancelled', code: null } })
  expect(events.find(({ type }) => type === 'child.ended')).toMatchObject({
    child_run_id: child,
    agent_key: 'asking',
    status: 'cancelled',
    error: null,
  })
})

test('runs that take their time to stop keep no others from being cancelled', async ({
  createServer,
  database,
}) => {
  const { rest } = await createServer({ agents: [asking], worker: false })
  const id = await rest.create('asking')
  // More running runs than one transaction cancels, and after them one that is queued.
  const count = 501
  await database.sql(
    `INSERT INTO agent_runtime.run
     SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen.id, 'parent_run_id', p.id, 'root_run_id', p.id, 'depth', 1,
       'detached', false, 'has_children', NULL, 'status', CASE WHEN gen.place < ${count} THEN 'running' ELSE 'queued' END,
       'lease_expires_at', now() + interval '1 hour'))).*
     FROM agent_runtime.run p,
       (SELECT place, ('ffffffff-ffff-7fff-8fff-' || lpad(to_hex(place), 12, '0'))::uuid AS id
         FROM generate_series(1, ${count}) AS place) AS gen
     WHERE p.id = $1`,
    [id],
  )
  await database.sql('UPDATE agent_runtime.run SET has_children = true WHERE id = $1', [id])
  expect((await rest.post(`runs/${id}/cancel`)).status).toBe(200)
  const below = await database.sql(
    `SELECT status, cancel_requested_at IS NOT NULL AS cancelled, count(*)::int FROM agent_runtime.run
     WHERE parent_run_id = $1 GROUP BY 1, 2 ORDER BY status`,
    [id],
  )
  expect(below).toEqual([
    { status: 'running', cancelled: true, count: count - 1 },
    { status: 'cancelled', cancelled: true, count: 1 },
  ])
})
