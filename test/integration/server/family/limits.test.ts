import { expect, test as plain } from 'vitest'
import { z } from 'zod'
import { agentTool, defineAgent, toolLoop } from '../../../../server/index.ts'
import type { AnyAgent } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { test } from '../../../support/runtime.ts'
import { ALL, asking, childOf, parentOf } from './scene.ts'

const research = defineAgent({
  key: 'research.deep',
  description: 'Reads up on a topic.',
  params: z.object({ topic: z.string().max(10) }),
  async run(ctx) {
    const reply = await toolLoop(ctx, { system: 'research' })
    return { messages: reply.messages }
  },
})

const usage = { inputTokens: 10, outputTokens: 5 }
const call = (id: string, args: object) => ({
  id,
  name: 'research_deep',
  arguments: args as { topic: string },
})

test('an agent is a tool of a loop: calls of one turn go on at once, and a failure is told the model', async ({
  createServer,
}) => {
  const chat = defineAgent({
    key: 'chat',
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools: [agentTool(research)] })
      return { output: reply.text, messages: reply.messages }
    },
  })
  const model = createScriptedModel([
    {
      toolCalls: [
        call('1', { topic: 'tides' }),
        call('2', { topic: 'moons' }),
        call('3', { topic: 'far too long' }),
      ],
      usage,
    },
    { text: ['High tide.'], usage },
    { text: ['Full moon.'], usage },
    { text: ['All read.'], usage },
  ])
  const { rest } = await createServer({ agents: [chat, research], model, worker: { concurrency: 1 } })
  const id = await rest.create('chat')
  const events = await rest.events(`runs/${id}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'All read.' })
  const results = events.filter(({ type }) => type === 'tool.result')
  expect(results.map(({ result }) => result)).toEqual([
    expect.stringMatching(/High tide\.|Full moon\./),
    expect.stringMatching(/High tide\.|Full moon\./),
    { error: expect.stringContaining('topic') },
  ])
  expect(events.filter(({ type }) => type === 'child.started')).toHaveLength(2)
  expect(events.filter(({ type }) => type === 'child.ended')).toHaveLength(2)
  // Including what the runs below used.
  expect(events.at(-1)).toMatchObject({ usage: { input_tokens: 40, output_tokens: 20 } })
})

test('params that their schema changes are the tool’s too: they are checked once, by the run', async ({
  createServer,
}) => {
  const payer = defineAgent({
    key: 'payer',
    description: 'Pays.',
    params: z.object({ urgent: z.stringbool(), cents: z.number().transform((euros) => euros * 100) }),
    run: async ({ params }) => ({ output: params }),
  })
  const chat = defineAgent({
    key: 'chat',
    run: async (ctx) => ({ output: (await toolLoop(ctx, { tools: [agentTool(payer)] })).text }),
  })
  const model = createScriptedModel([
    { toolCalls: [{ id: '1', name: 'payer', arguments: { urgent: 'yes', cents: 7 } }] },
    { text: ['Paid.'] },
  ])
  const { rest } = await createServer({ agents: [chat, payer], model })
  const events = await rest.events(`runs/${await rest.create('chat')}/${ALL}`)
  const told = events.find(({ type }) => type === 'tool.result')
  expect(told).toMatchObject({ result: { urgent: true, cents: 700 } })
})

test('what runs below use counts towards the budget, and they get no more than is left', async ({
  createServer,
}) => {
  const spending = parentOf(async (ctx) => {
    await toolLoop(ctx, { system: 'parent' })
    const { usage: used } = await ctx.runAgent(research, { params: { topic: 'tides' } })
    await toolLoop(ctx, { system: 'again' })
    return { output: used?.inputTokens ?? null }
  })
  const { rest } = await createServer({
    agents: [spending, research],
    model: createScriptedModel([
      { text: ['a'], usage },
      { text: ['b'], usage },
    ]),
  })
  const id = await rest.create('parent', { budget: { tokens: 30 } })
  const child = await childOf(rest, id)
  expect((await rest.get(`runs/${child}`)).body).toMatchObject({
    budget: { tokens: 15 },
    parent_run_id: id,
    depth: 1,
  })
  const events = await rest.events(`runs/${id}/events`)
  expect(events.at(-1)).toMatchObject({
    type: 'run.failed',
    code: 'budget_exceeded',
    details: { budget: 'tokens', limit: 30, used: 30 },
  })
})

test('runs below runs, and those of one run, are so many and no more', async ({ createServer, database }) => {
  const endless = defineAgent({
    key: 'endless',
    async run(ctx) {
      await ctx.runAgent(endless as AnyAgent)
    },
  })
  const many = parentOf(async (ctx) => {
    for (let n = 1; ; n += 1) await ctx.runAgent(quick)
  })
  const quick = defineAgent({ key: 'quick', async run() {} })
  const { rest } = await createServer({
    agents: [endless, many, quick],
    config: { maxRunDepth: 2, maxChildRuns: 3 },
  })
  const id = await rest.create('endless')
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({
    type: 'run.failed',
    code: 'child_failed',
  })
  expect(await database.sql('SELECT depth FROM agent_runtime.run ORDER BY id')).toEqual([
    { depth: null },
    { depth: 1 },
    { depth: 2 },
  ])
  const other = await rest.create('parent')
  expect((await rest.events(`runs/${other}/events`)).at(-1)).toMatchObject({
    type: 'run.failed',
    code: 'conflict',
  })
  expect(await database.sql('SELECT FROM agent_runtime.run WHERE parent_run_id = $1', [other])).toHaveLength(
    3,
  )
})

test('runs below count towards the runs at once, which can be one', async ({ createServer }) => {
  const both = parentOf(async (ctx) => {
    const [one, two] = await Promise.all([ctx.runAgent(quick), ctx.runAgent(quick)])
    return { output: [one.text, two.text] }
  })
  const quick = defineAgent({
    key: 'quick',
    run: async () => ({ messages: [{ role: 'assistant' as const, content: 'done' }] }),
  })
  const { rest } = await createServer({
    agents: [both, quick],
    authenticate: () => ({ id: 'ann', tenantId: 'acme', kind: 'user' }),
    config: { tenantRunsAtOnce: 1, principalRunsAtOnce: 1 },
  })
  const ids = await Promise.all([rest.create('parent'), rest.create('parent')])
  for (const id of ids) {
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: ['done', 'done'] })
  }
})

test('runs below are their owner’s, are listed by the run above, and move with a visitor’s claim', async ({
  createServer,
  database,
}) => {
  const { rest, as } = await createServer({
    agents: [parentOf(async (ctx) => ({ output: (await ctx.runAgent(asking)).output })), asking],
    anonymousSessions: true,
    authenticate: (request) => {
      const id = request.headers.get('x-user')
      return id === null ? null : { id, tenantId: '', kind: 'user' }
    },
  })
  const session = await rest.post('sessions/anonymous')
  const token = String(session.body['token'])
  const visitor = as({ 'x-anonymous-token': token }).rest
  const ann = as({ 'x-user': 'ann' }).rest
  const id = await visitor.create('parent')
  const child = await childOf(visitor, id)
  await (await visitor.stream(`runs/${child}/events`)).until('run.waiting')
  expect((await ann.get(`runs/${child}`)).status).toBe(404)
  // Runs that start others at this moment leave none behind.
  const more = await Promise.all(Array.from({ length: 10 }, () => visitor.create('parent')))
  await ann.post('sessions/claim', { token })
  await Promise.all(more.map((one) => childOf(ann, one)))
  expect(await database.sql('SELECT DISTINCT owner_id, owner_kind FROM agent_runtime.run')).toEqual([
    { owner_id: 'ann', owner_kind: 'user' },
  ])
  const listed = await ann.get(`runs?parent_run_id=${id}`)
  expect(listed.body).toMatchObject({
    count: 1,
    results: [{ id: child, parent_run_id: id, root_run_id: id, depth: 1 }],
  })
  await ann.post(`runs/${id}/respond`, { wait: 'address', value: { street: 'Main St' } })
  expect((await ann.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: { street: 'Main St' } })
})

plain('an agent that is a tool says what is wrong with it', () => {
  expect(() => agentTool(defineAgent({ key: 'a', async run() {} }))).toThrow(/description/)
  expect(() => agentTool(research, { input: z.object({}) })).toThrow(/go together/)
  expect(() => agentTool(research, { nmae: 'x' } as never)).toThrow(/nmae/)
  expect(agentTool(research).name).toBe('research_deep')
})
