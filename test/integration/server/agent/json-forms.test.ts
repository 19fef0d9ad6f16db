import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import type { AgentContext, Json } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { LogEntry } from '../../../support/silent-logger.ts'
import { test } from '../../../support/runtime.ts'

const agentOf = (run: (ctx: AgentContext) => Promise<{ output: Json } | void>) =>
  defineAgent({ key: 'agent', maxAttempts: 3, run })

const ALL = 'events?include_all=1'
const NOTHING: undefined = undefined

/** The log's words about how the agent failed. */
function failureIn(log: LogEntry[]): string {
  const entry = log.find(({ message }) => message === 'the agent failed')
  return JSON.stringify(entry, (_key, value: unknown) => (value instanceof Error ? value.message : value))
}

const cyclic: { self?: unknown } = {}
cyclic.self = [cyclic]

/** Values that have no JSON form, and their places. */
const UNSPEAKABLE = [
  { what: 'a BigInt', value: { items: [{ price: 1n }] }, path: 'items[0].price is a BigInt' },
  { what: 'a cycle', value: { tree: cyclic }, path: 'tree.self[0] contains itself' },
  { what: 'a function', value: { 'no name': () => 1 }, path: '["no name"] is a function' },
  { what: 'a symbol', value: [Symbol('s')], path: '[0] is a symbol' },
  { what: 'a Map', value: new Map(), path: 'it is a Map' },
  { what: 'a promise', value: { later: Promise.resolve(1) }, path: 'later is a Promise' },
]

describe('a step', () => {
  test('gets at once what a later attempt will get: the form in JSON', async ({ createServer }) => {
    const seen: string[] = []
    let done = 0
    const agent = agentOf(async (ctx) => {
      const result = await ctx.step('charge', () => {
        done += 1
        return {
          zebra: 1,
          note: NOTHING,
          at: new Date(0),
          list: [NOTHING, Number.NaN, -0],
          money: { toJSON: () => ({ cents: 5 }) },
          odd: 'a\u0000b\ud800',
          ü: { bb: 1, a: 2, 10: 3, 9: 4 },
        }
      })
      seen.push(JSON.stringify(result))
      if (ctx.attempt < 3) throw new Error('crash')
      return { output: { year: result.at.slice(0, 4), cents: result.money.cents } }
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    await rest.events(`runs/${id}/${ALL}`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: { year: '1970', cents: 5 } },
    })
    expect(done).toBe(1)
    expect(JSON.parse(seen[0] ?? '')).toEqual({
      zebra: 1,
      at: '1970-01-01T00:00:00.000Z',
      list: [null, null, 0],
      money: { cents: 5 },
      odd: 'a\ufffdb\ufffd',
      ü: { bb: 1, a: 2, 10: 3, 9: 4 },
    })
    expect(seen).toEqual([seen[0], seen[0], seen[0]])
  })

  test.for(UNSPEAKABLE)(
    'that returns $what fails the run, which says where it is and that the step was done',
    async ({ value, path }, { createServer }) => {
      let done = 0
      const agent = agentOf(async (ctx) => {
        await ctx.step('charge', () => {
          done += 1
          return value
        })
      })
      const { rest, log } = await createServer({ agents: [agent] })
      const id = await rest.create('agent')
      expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)?.type).toBe('run.failed')
      expect(done).toBe(1)
      expect(failureIn(log)).toContain(JSON.stringify(path).slice(1, -1))
      expect(failureIn(log)).toContain('It was done')
    },
  )

  test('has a name that comes back as it went', async ({ createServer }) => {
    let done = 0
    const agent = agentOf(async (ctx) => {
      await ctx.step('half a pair \ud83d', () => void (done += 1))
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)?.type).toBe('run.failed')
    expect(done).toBe(0)
  })
})

test('an approval of arguments that the database cannot store unchanged is requested once', async ({
  createServer,
  database,
}) => {
  let done = 0
  const note = defineTool({
    name: 'note',
    description: 'Notes',
    input: z.object({ text: z.string() }),
    needsApproval: true,
    execute: () => (done += 1),
  })
  const model = createScriptedModel([
    { toolCalls: [{ name: 'note', arguments: { text: 'a\u0000b' } }] },
    { text: 'Noted.' },
  ])
  const agent = agentOf(async (ctx) => {
    const { text } = await toolLoop(ctx, { tools: [note] })
    const again = await ctx.approve({ name: 'more \ud83d'.repeat(20), arguments: { text: 'c\u0000d' } })
    return { output: `${text} ${again.approved}` }
  })
  const { rest } = await createServer({ agents: [agent], model })
  const id = await rest.create('agent')
  const stream = await rest.stream(`runs/${id}/events`)
  for (let asked = 1; asked <= 2; asked += 1) {
    await stream.until('run.waiting')
    const [wait] = (await rest.get(`runs/${id}`)).body['waits'] as [
      { name: string; details: { hash: string } },
    ]
    const value = { approved: true, hash: wait.details.hash }
    expect(await rest.post(`runs/${id}/respond`, { wait: wait.name, value })).toMatchObject({ status: 200 })
  }
  await rest.events(`runs/${id}/${ALL}`)
  expect((await rest.get(`runs/${id}`)).body).toMatchObject({
    status: 'succeeded',
    output: { final_output: 'Noted. true' },
  })
  expect(done).toBe(1)
  expect(await database.sql('SELECT name FROM agent_runtime.wait')).toHaveLength(2)
})

describe('a checkpoint', () => {
  test('is at once what a later attempt finds', async ({ createServer }) => {
    const seen: string[] = []
    const agent = agentOf(async (ctx) => {
      if (ctx.attempt === 1) await ctx.checkpoint({ zz: 1, at: new Date(0), gone: NOTHING, odd: '\u0000' })
      seen.push(JSON.stringify(ctx.state))
      if (ctx.attempt === 1) throw new Error('crash')
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    await rest.events(`runs/${id}/${ALL}`)
    expect(JSON.parse(seen[0] ?? '')).toEqual({ zz: 1, at: '1970-01-01T00:00:00.000Z', odd: '\ufffd' })
    expect(seen).toEqual([seen[0], seen[0]])
  })

  test.for([
    { what: 'no JSON', state: { n: 1n }, why: 'n is a BigInt' },
    { what: 'too large', state: 'x'.repeat(9 * 1024 * 1024), why: 'too large' },
  ])('that is $what is refused before it is stored', async ({ state, why }, { createServer, database }) => {
    const agent = agentOf(async (ctx) => {
      await ctx.checkpoint(state)
    })
    const { rest, log } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.failed', attempt: 1 })
    expect(failureIn(log)).toContain(why)
    expect(await database.sql('SELECT run_id FROM agent_runtime.checkpoint')).toEqual([])
  })
})

describe('what can be seen to be wrong before anything is done is refused then', () => {
  const refused: { what: string; ask: (ctx: AgentContext) => Promise<unknown>; why: string }[] = [
    {
      what: 'a wait for what has no JSON Schema',
      ask: (ctx) => ctx.wait('when', z.object({ at: z.date() })),
      why: "can't be written as JSON Schema",
    },
    {
      what: 'a wait whose details are no JSON',
      ask: (ctx) => ctx.wait('n', z.number(), { details: { n: 1n } as unknown as Json }),
      why: 'n is a BigInt',
    },
    {
      what: 'a wait whose details are too large',
      ask: (ctx) => ctx.wait('n', z.number(), { details: 'x'.repeat(9 * 1024 * 1024) }),
      why: 'too large',
    },
    {
      what: 'an approval of what is no JSON',
      ask: (ctx) => ctx.approve({ name: 'tool', arguments: { n: 1n } }),
      why: 'n is a BigInt',
    },
    {
      what: 'an event that is no JSON',
      ask: (ctx) => ctx.emit('tool.result', { toolCallId: '1', tool: 't', result: 1n as unknown as Json }),
      why: 'result is a BigInt',
    },
  ]
  test.for(refused)('$what', async ({ ask, why }, { createServer, database }) => {
    const agent = agentOf(async (ctx) => {
      await ask(ctx)
    })
    const { rest, log } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    // Another attempt would fail the same way.
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.failed', attempt: 1 })
    expect(failureIn(log)).toContain(why)
    expect(await database.sql('SELECT name FROM agent_runtime.wait')).toEqual([])
  })
})

test('a tool’s result that is too large is told the model in part, and the run goes on', async ({
  createServer,
}) => {
  const large = defineTool({
    name: 'large',
    description: 'Large',
    input: z.object({}),
    execute: () => 'ab'.repeat(4.5 * 1024 * 1024),
  })
  const model = createScriptedModel([{ toolCalls: [{ name: 'large', arguments: {} }] }, { text: 'Much.' }])
  const agent = agentOf(async (ctx) => ({ output: (await toolLoop(ctx, { tools: [large] })).text }))
  const { rest } = await createServer({ agents: [agent], model })
  const id = await rest.create('agent')
  await rest.events(`runs/${id}/${ALL}`)
  expect((await rest.get(`runs/${id}`)).body).toMatchObject({
    status: 'succeeded',
    output: { final_output: 'Much.' },
  })
  const told = model.requests[1]?.messages.at(-1)?.content ?? ''
  expect(told).toContain('9437184 characters')
  expect(told).toContain('abab')
  expect(told.length).toBeLessThan(200_000)
})

describe('schemas that look things up', () => {
  /** A service knows it, and takes its time to say so. */
  const known = (what: string) =>
    z.string().refine(async (value) => Promise.resolve(value === what), `only ${what} is known`)

  const agent = defineAgent({
    key: 'agent',
    params: z.object({ city: known('Paris') }),
    output: z.object({ said: known('Sunny.') }),
    events: {
      checked: { schema: z.object({ n: z.number().refine(async (n) => n > 0) }) },
      plain: { schema: z.object({ n: z.number() }) },
    },
    schedules: [{ name: 'yearly', cron: '0 0 1 1 *', params: { city: 'Paris' } }],
    async run(ctx) {
      const lookUp = defineTool({
        name: 'look_up',
        description: 'Looks up',
        input: z.object({ city: known('Paris') }),
        execute: () => 'Sunny.',
      })
      void ctx.emit('checked', { n: 1 })
      void ctx.emit('plain', { n: 2 })
      await ctx.emit('checked', { n: 3 })
      const reply = await toolLoop(ctx, { tools: [lookUp] })
      return { output: { said: reply.text } }
    },
  })

  test('work for params, events, tools and output', async ({ createServer }) => {
    const model = createScriptedModel([
      { toolCalls: [{ name: 'look_up', arguments: { city: 'Oz' } }] },
      { toolCalls: [{ name: 'look_up', arguments: { city: 'Paris' } }] },
      { text: 'Sunny.' },
      { text: 'Foggy.' },
    ])
    const { rest, trpc } = await createServer({ agents: [agent], model })
    expect(await rest.post('runs', { agent_key: 'agent', params: { city: 'Oz' } })).toMatchObject({
      status: 400,
      body: { details: [{ path: 'params.city', message: 'only Paris is known' }] },
    })
    await expect(
      trpc.client.runs.create.mutate({ agentKey: 'agent', params: { city: 'Oz' } }),
    ).rejects.toMatchObject({ data: { error: { code: 'validation_failed' } } })

    const id = await rest.create('agent', { params: { city: 'Paris' } })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: { said: 'Sunny.' } })
    expect(events.flatMap((event) => ('n' in event ? [event['n']] : []))).toEqual([1, 2, 3])
    expect(events.filter(({ type }) => type === 'tool.result').map((event) => event['result'])).toEqual([
      { error: expect.stringContaining('only Paris is known') as string },
      'Sunny.',
    ])

    const wrong = await rest.create('agent', { params: { city: 'Paris' } })
    expect((await rest.events(`runs/${wrong}/${ALL}`)).at(-1)).toMatchObject({
      type: 'run.failed',
      code: 'invalid_output',
    })
  })
})

test('an output and an event may have dates, which readers get as text', async ({ createServer }) => {
  const agent = defineAgent({
    key: 'agent',
    output: z.object({ at: z.date() }),
    events: { ticked: { schema: z.object({ at: z.date() }) } },
    async run(ctx) {
      await ctx.emit('ticked', { at: new Date(0) })
      return { output: { at: new Date(0) } }
    },
  })
  const { rest } = await createServer({ agents: [agent] })
  const id = await rest.create('agent')
  const events = await rest.events(`runs/${id}/${ALL}`)
  const at = '1970-01-01T00:00:00.000Z'
  expect(events.find(({ type }) => type === 'ticked')?.payload).toEqual({ at })
  expect(events.at(-1)?.payload).toEqual({ output: { at }, usage: {} })
})
