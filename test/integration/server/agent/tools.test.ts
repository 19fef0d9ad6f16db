import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { z as z3 } from 'zod/v3'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import {
  defineAgent,
  defineTool,
  StepInterruptedError,
  ToolError,
  ToolRegistry,
  toolLoop,
} from '../../../../server/index.ts'
import type { AnyTool, Json, ToolContext, ToolReplay } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer, Sql } from '../../../support/runtime.ts'
import { expireLease } from '../../../support/takeover.ts'

const config = { maxAttempts: 5 }

const agentOf = (tools: Iterable<AnyTool>) =>
  defineAgent({
    key: 'agent',
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools })
      return { output: reply.text, messages: reply.messages }
    },
  })

const call = (name: string, args: Json = {}) => ({ toolCalls: [{ name, arguments: args }] })

type Execute = (ctx: ToolContext) => Json | Promise<Json>

const toolOf = (execute: Execute, rest: Partial<AnyTool> = {}): AnyTool =>
  defineTool({
    name: 'act',
    description: 'Acts',
    input: z.object({ n: z.number().optional() }),
    execute: (_, ctx) => execute(ctx),
    ...(rest as object),
  })

const DEBUG = 'events?include_debug=1'

interface Waiting {
  name: string
  kind: string
  details: { hash: string; toolCallId?: string; interruptedIn?: number; arguments: Json }
}

describe('a tool', () => {
  test('tells how far it is, while it runs and no longer', async ({ createServer }) => {
    let late: ToolContext['report'] | undefined
    const tool = toolOf(async ({ report }) => {
      late = report
      await report({ percent: 50 })
      return 'done'
    })
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        await toolLoop(ctx, { tools: [tool] })
        await late?.('too late')
      },
    })
    const { rest } = await createServer({
      agents: [agent],
      model: createScriptedModel([call('act'), { text: 'x' }]),
    })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    const told = events.filter(({ type }) => type.startsWith('tool.'))
    expect(told.map(({ type }) => type)).toEqual(['tool.call', 'tool.progress', 'tool.result'])
    expect(told[1]).toMatchObject({ tool: 'act', progress: { percent: 50 } })
    expect(told[1]?.['tool_call_id']).toBe(told[0]?.['tool_call_id'])
    expect((await rest.events(`runs/${id}/events`)).map(({ type }) => type)).not.toContain('tool.progress')
  })

  test.for([
    ['a date', 1, new Date() as never],
    ['a function', 1, Math.max as never],
    ['ten thousand things', 10_000, null],
  ] as const)('that reports %s does not end its run', async ([, times, progress], { createServer }) => {
    const tool = toolOf(({ report }) => {
      for (let n = 0; n < times; n += 1) void report(progress)
      return 'done'
    })
    const { rest } = await createServer({
      agents: [agentOf([tool])],
      model: createScriptedModel([call('act'), { text: 'x' }]),
    })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  })

  test('that does not heed its signal is left when its time is up, and the model is told', async ({
    createServer,
  }) => {
    const aborted = Promise.withResolvers<unknown>()
    const tool = toolOf(
      ({ signal }) => {
        signal.addEventListener('abort', () => aborted.resolve(signal.reason))
        return new Promise<Json>(() => {})
      },
      { timeoutMs: 20 },
    )
    const { rest } = await createServer({
      agents: [agentOf([tool])],
      model: createScriptedModel([call('act'), { text: 'Sorry.' }]),
    })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.find(({ type }) => type === 'tool.result')).toMatchObject({
      result: { error: 'The tool "act" took longer than 20 ms and was stopped.' },
      is_error: true,
    })
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(await aborted.promise).toMatchObject({ name: 'ToolError' })
  })
})

describe('a call whose process died in the middle of it', () => {
  async function interrupted(
    { createServer, database }: { createServer: CreateServer; database: { sql: Sql } },
    replay: ToolReplay | undefined,
  ) {
    const keys: string[] = []
    const begun = [0, 1, 2].map(() => Promise.withResolvers<void>())
    const tool = toolOf(
      ({ idempotencyKey, attempt }) => {
        keys.push(idempotencyKey.split('/').slice(1).join('/'))
        begun[keys.length - 1]?.resolve()
        return attempt === 1 ? new Promise<Json>(() => {}) : 'done'
      },
      replay === undefined ? {} : { replay },
    )
    const model = createScriptedModel([call('act', { n: 1 }), { text: 'Well.' }])
    const server = await createServer({ agents: [agentOf([tool])], model, config })
    const id = await server.rest.create('agent')
    await begun[0]?.promise
    await expireLease(database.sql, id)
    return { ...server, id, keys, begun, model }
  }

  test.for(['safe', 'keyed', undefined] as const)(
    'is run again where its replay is %s, with the same key',
    async (replay, { createServer, database }) => {
      const { rest, id, keys } = await interrupted({ createServer, database }, replay)
      expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
      expect(keys).toEqual(['tool:act/1', 'tool:act/1'])
    },
  )

  const waitsOf = async (rest: RestClient, id: string) =>
    (await rest.get(`runs/${id}`)).body['waits'] as Waiting[]

  test('is asked about where its replay is ask: once somebody agrees it is run again', async ({
    createServer,
    database,
  }) => {
    const { rest, id, keys } = await interrupted({ createServer, database }, 'ask')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const [wait] = await waitsOf(rest, id)
    expect(wait).toMatchObject({
      kind: 'approval',
      details: { tool: 'act', arguments: { n: 1 }, interruptedIn: 1 },
    })
    expect(keys).toHaveLength(1)
    const { name, details } = wait as Waiting
    await rest.post(`runs/${id}/respond`, { wait: name, value: { approved: true, hash: details.hash } })
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(keys).toHaveLength(2)
  })

  test('is not run again where somebody says no, and the model is told', async ({
    createServer,
    database,
  }) => {
    const { rest, id, keys, model } = await interrupted({ createServer, database }, 'ask')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const [{ name, details } = {} as Waiting] = await waitsOf(rest, id)
    await rest.post(`runs/${id}/respond`, {
      wait: name,
      value: { approved: false, hash: details.hash, comment: 'It was paid.' },
    })
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(keys).toHaveLength(1)
    expect(model.requests.at(-1)?.messages.at(-1)).toMatchObject({
      content: JSON.stringify({
        error:
          'The call was interrupted: it may have been done, or not. To run it again was denied. It was paid.',
      }),
    })
  })

  test('is asked about each time, and for each of two alike by itself', async ({ createServer }) => {
    const keys: string[] = []
    // The first tries of both break off, and the second of the first.
    const crash = Promise.withResolvers<never>()
    const crashAgain = Promise.withResolvers<never>()
    const tool = toolOf(
      ({ idempotencyKey }) => {
        keys.push(idempotencyKey)
        if (keys.length === 2) crash.reject(new Error('crash'))
        if (keys.length === 3) crashAgain.reject(new Error('crash'))
        return keys.length < 4 ? new Promise<Json>(() => {}) : 'done'
      },
      { replay: 'ask' },
    )
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const crashes = keys.length === 0 ? [crash.promise] : keys.length === 2 ? [crashAgain.promise] : []
        await Promise.race([toolLoop(ctx, { tools: [tool] }), ...crashes])
      },
    })
    const act = { name: 'act', arguments: { n: 1 } }
    const model = createScriptedModel([{ toolCalls: [act, act] }, { text: 'Well.' }])
    const { rest } = await createServer({ agents: [agent], model, config })
    const id = await rest.create('agent')
    const answer = async ({ name, details }: Waiting, approved: boolean) =>
      rest.post(`runs/${id}/respond`, { wait: name, value: { approved, hash: details.hash } })
    await vi.waitFor(async () => expect(await waitsOf(rest, id)).toHaveLength(2), 20_000)
    const { body } = await rest.get(`runs/${id}/${DEBUG}`)
    const told = body['results'] as { type: string; payload: { tool_call_id: string } }[]
    const callIds = told.filter(({ type }) => type === 'tool.call').map(({ payload }) => payload.tool_call_id)
    const waits = await waitsOf(rest, id)
    const [first, second] = callIds.map((callId) => waits.find((wait) => wait.details.toolCallId === callId))
    if (first === undefined || second === undefined) throw new Error('each call has its own wait')
    await answer(first, true)
    await answer(second, false)
    await vi.waitFor(async () => expect(await waitsOf(rest, id)).toHaveLength(1), 20_000)
    const [third] = (await waitsOf(rest, id)) as [Waiting]
    expect(third.details.toolCallId).toBe(first.details.toolCallId)
    expect(third.details.interruptedIn).toBeGreaterThan(1)
    await answer(third, true)
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.filter(({ type }) => type === 'tool.result').map((event) => event['result'])).toEqual([
      'done',
      { error: 'The call was interrupted: it may have been done, or not. To run it again was denied.' },
    ])
    expect(keys.slice(0, 2).toSorted()).toEqual([`${id}/tool:act/1`, `${id}/tool:act/2`])
    expect(keys.slice(2)).toEqual([`${id}/tool:act/1`, `${id}/tool:act/1`])
  })
})

describe('a tool that asks', () => {
  const schema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }

  test('waits for the answers, and is run anew with each, while others beside it end', async ({
    createServer,
  }) => {
    let tries = 0
    let others = 0
    const slow = Promise.withResolvers<void>()
    const asking = toolOf(async ({ ask }) => {
      tries += 1
      slow.resolve()
      // Whatever it makes of being ended, it is.
      const answers = [await ask({ schema, details: 'First?' }).catch(() => 'caught'), await ask({ schema })]
      return answers as Json
    })
    const other = toolOf(
      async () => {
        await slow.promise
        others += 1
        return others
      },
      { name: 'other' },
    )
    const model = createScriptedModel([
      {
        toolCalls: [
          { name: 'act', arguments: {} },
          { name: 'other', arguments: {} },
        ],
      },
      { text: 'Well.' },
    ])
    const { rest } = await createServer({ agents: [agentOf([asking, other])], model, config })
    const id = await rest.create('agent')
    const waitOf = async (n: number) => {
      await vi.waitFor(async () => {
        const waits = (await rest.get(`runs/${id}`)).body['waits'] as Waiting[]
        expect(waits.map(({ name }) => name)).toEqual([
          expect.stringMatching(new RegExp(`^ask:act:.*:${n}$`)),
        ])
      }, 20_000)
      return ((await rest.get(`runs/${id}`)).body['waits'] as Waiting[])[0]?.name ?? ''
    }
    const first = await waitOf(1)
    expect(await rest.post(`runs/${id}/respond`, { wait: first, value: 1 })).toMatchObject({ status: 400 })
    await rest.post(`runs/${id}/respond`, { wait: first, value: { n: 1 } })
    await rest.post(`runs/${id}/respond`, { wait: await waitOf(2), value: { n: 2 } })
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    const answered = (n: number) => ({
      status: 'answered',
      value: { n },
      respondedBy: expect.any(String) as string,
    })
    expect(events.filter(({ type }) => type === 'tool.result').map((event) => event['result'])).toEqual([
      [answered(1), answered(2)],
      1,
    ])
    expect(tries).toBe(3)
  })

  test('is told where answers can not be checked by its schema, and the run goes on', async ({
    createServer,
  }) => {
    const tool = toolOf(async ({ ask }) => (await ask({ schema: { type: 'object', if: {} } })).status)
    const model = createScriptedModel([call('act'), { text: 'x' }])
    const { rest } = await createServer({ agents: [agentOf([tool])], model })
    const id = await rest.create('agent')
    const stream = await rest.stream(`runs/${id}/${DEBUG}`)
    const ended = async (): Promise<string | undefined> => {
      const event = await stream.next()
      return /^run\.(waiting|succeeded)$/.test(event?.type ?? '') ? event?.type : ended()
    }
    expect(await ended()).toBe('run.succeeded')
    expect(model.requests[1]?.messages.at(-1)?.content).toMatch(/schema of a question .* can't be checked/)
  })

  test('is refused where its replay is ask', async ({ createServer }) => {
    const tool = toolOf(async ({ ask }) => (await ask({ schema })).status, { replay: 'ask' })
    const model = createScriptedModel([call('act'), { text: 'x' }])
    const { rest } = await createServer({ agents: [agentOf([tool])], model })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.find(({ type }) => type === 'tool.result')).toMatchObject({
      result: { error: 'The tool "act" has a question, and nobody can be asked.' },
    })
  })
})

describe('a step that is done at most once', () => {
  test('is not done again, which the agent may catch', async ({ createServer, database }) => {
    const begun = Promise.withResolvers<void>()
    let times = 0
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        try {
          await ctx.step(
            'pay',
            () => {
              times += 1
              begun.resolve()
              return new Promise(() => {})
            },
            { atMostOnce: true },
          )
        } catch (error) {
          if (!(error instanceof StepInterruptedError)) throw error
          return { output: `begun in attempt ${error.attempt}` }
        }
        return { output: 'paid' }
      },
    })
    const { rest } = await createServer({ agents: [agent], config })
    const id = await rest.create('agent')
    await begun.promise
    await expireLease(database.sql, id)
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      output: { final_output: 'begun in attempt 1' },
    })
    expect(times).toBe(1)
  })

  test('that ended gives its result to later attempts', async ({ createServer }) => {
    let times = 0
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const result = await ctx.step('pay', () => (times += 1), { atMostOnce: true })
        if (ctx.attempt < 3) throw new Error('crash')
        return { output: result }
      },
    })
    const { rest } = await createServer({ agents: [agent], config })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/events?include_all=1`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 1 })
    expect(events.filter(({ type }) => type === 'step.completed')).toHaveLength(1)
  })
})

describe('a registry of tools', () => {
  const getWeather = defineTool({
    name: 'get_weather',
    description: 'Get current weather for a location.',
    input: z.object({ location: z.string() }),
    execute: ({ location }) => `Sunny, 72°F in ${location}`,
  })
  const searchDatabase = defineTool({
    name: 'search_database',
    description: 'Search the database for relevant information.',
    input: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
    execute: ({ query }) => [{ title: `Result for ${query}` }],
  })

  /** A provider that numbers its calls anew in each answer. */
  const model = () =>
    createScriptedModel([
      { toolCalls: [{ id: 'call_0', name: 'get_weather', arguments: { location: 'Rome' } }] },
      { toolCalls: [{ id: 'call_0', name: 'search_database', arguments: { query: 'Rome' } }] },
      { text: 'Sunny.' },
    ])

  test('serves a loop that is written by hand, whose calls are told apart', async ({ createServer }) => {
    const tools = new ToolRegistry()
    tools.register(getWeather)
    tools.register(searchDatabase)
    const agent = defineAgent({
      key: 'tool-agent',
      async run(ctx) {
        const messages = [...ctx.messages]
        for (;;) {
          const response = await ctx.llm.generate(messages, { tools: tools.toOpenAIFormat() })
          messages.push(response.message)
          if (response.toolCalls.length === 0) {
            return { output: { response: response.text }, messages: messages.slice(ctx.messages.length) }
          }
          for (const { id: toolCallId, name, arguments: args } of response.toolCalls) {
            await ctx.emit('tool.call', { toolCallId, tool: name, arguments: args })
            const result = await tools.execute(name, args)
            await ctx.emit('tool.result', { toolCallId, tool: name, result })
            messages.push({ role: 'tool', toolCallId, content: JSON.stringify(result) })
          }
        }
      },
    })
    const scripted = model()
    const { rest } = await createServer({ agents: [agent], model: scripted })
    const id = await rest.create('tool-agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    const results = events.filter(({ type }) => type === 'tool.result')
    expect(results.map((event) => event['result'])).toEqual([
      'Sunny, 72°F in Rome',
      [{ title: 'Result for Rome' }],
    ])
    expect(new Set(results.map((event) => event['tool_call_id'])).size).toBe(2)
    // The provider gets its own ids back.
    expect(scripted.requests[2]?.messages.slice(-4)).toMatchObject([
      { role: 'assistant', toolCalls: [{ id: 'call_0' }] },
      { role: 'tool' },
      { role: 'assistant', toolCalls: [{ id: 'call_0' }] },
      { role: 'tool' },
    ])
  })

  test('writes its tools in the formats of OpenAI and Anthropic, and is what toolLoop takes', async ({
    createServer,
  }) => {
    const tools = new ToolRegistry([getWeather, searchDatabase])
    expect(tools.toOpenAIFormat()).toEqual([
      {
        type: 'function',
        function: {
          name: 'get_weather',
          description: getWeather.description,
          parameters: {
            type: 'object',
            properties: { location: { type: 'string' } },
            required: ['location'],
          },
        },
      },
      { type: 'function', function: expect.objectContaining({ name: 'search_database' }) },
    ])
    expect(tools.toAnthropicFormat()[1]).toEqual({
      name: 'search_database',
      description: searchDatabase.description,
      input_schema: searchDatabase.input,
    })
    expect(() => tools.register(getWeather)).toThrow('There is a tool "get_weather" already.')
    await expect(tools.execute('get_weather', { location: 'Rome' })).rejects.toThrow(TypeError)
    const { rest } = await createServer({ agents: [agentOf(tools)], model: model() })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  })

  test('runs each call once, whatever crashes, and answers what goes wrong', async ({ createServer }) => {
    const done: string[] = []
    const tools = new ToolRegistry([
      toolOf(({ idempotencyKey }) => done.push(idempotencyKey), { needsApproval: true }),
      getWeather,
    ])
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const results = [
          await tools.execute('get_weather', '{"location":"Rome"}'),
          await tools.execute('get_weather', { location: 1 }),
          await tools.execute('get_weather', '{"location":'),
          await tools.execute('x'.repeat(300), {}),
          await tools.execute('act', {}),
        ]
        if (ctx.attempt < 3) throw new Error('crash')
        return { output: results as Json }
      },
    })
    const { rest } = await createServer({ agents: [agent], config })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const [{ name, details } = {} as Waiting] = (await rest.get(`runs/${id}`)).body['waits'] as Waiting[]
    await rest.post(`runs/${id}/respond`, { wait: name, value: { approved: true, hash: details.hash } })
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      output: {
        final_output: [
          'Sunny, 72°F in Rome',
          { error: expect.stringContaining('not valid') },
          { error: 'The arguments for "get_weather" are not a JSON object.' },
          { error: expect.stringMatching(/^There is no tool/) },
          1,
        ],
      },
    })
    expect(done).toHaveLength(1)
  })
})

test('a model that makes up a name of a tool, however long, is told so', async ({ createServer }) => {
  const model = createScriptedModel([call('x'.repeat(500)), { text: 'Sorry.' }])
  const { rest } = await createServer({ agents: [agentOf([])], model })
  const id = await rest.create('agent')
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
})

test.for([
  [
    'zod 3',
    z3.object({ city: z3.string().transform((city) => city.toUpperCase()), days: z3.number().default(3) }),
  ],
  [
    'zod 4',
    z.object({ city: z.string().transform((city) => city.toUpperCase()), days: z.number().default(3) }),
  ],
] as const)('an input may be a schema of %s', async ([, input], { createServer }) => {
  const seen: unknown[] = []
  const tool = defineTool({ name: 'act', description: '', input, execute: (given) => seen.push(given) })
  const model = createScriptedModel([call('act', { city: 'Rome' }), call('act', { city: 1 }), { text: 'x' }])
  const { rest } = await createServer({ agents: [agentOf([tool])], model })
  const id = await rest.create('agent')
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  expect(seen).toEqual([{ city: 'ROME', days: 3 }])
  expect(model.requests[0]?.tools?.[0]?.parameters).toMatchObject({
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'number', default: 3 } },
    required: ['city'],
  })
  expect(model.requests[2]?.messages.at(-1)?.content).toMatch(
    /arguments for \\"act\\" are not valid\. city: /,
  )
})

describe('the result of a tool', () => {
  async function resultsOf(createServer: CreateServer, tools: AnyTool[]) {
    const model = createScriptedModel([
      { toolCalls: tools.map(({ name }) => ({ name, arguments: {} })) },
      { text: 'x' },
    ])
    const { rest, log } = await createServer({ agents: [agentOf(tools)], model })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    const results = events.filter(({ type }) => type === 'tool.result')
    return { log, results: results.map((event) => event['result']) }
  }

  test('has the form of the output schema, or is an error', async ({ createServer }) => {
    const output = z.object({ at: z.date().transform((at) => at.getTime()), n: z.number().default(7) })
    const rest = { description: '', input: z.object({}) }
    const { results, log } = await resultsOf(createServer, [
      defineTool({ ...rest, name: 'good', output, execute: () => ({ at: new Date(5) }) }),
      defineTool({ ...rest, name: 'bad', output, execute: () => ({ at: 'secret' }) as never }),
      defineTool({
        ...rest,
        name: 'written',
        output: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
        execute: () => ({}) as never,
      }),
    ])
    const error = (name: string) =>
      `The tool "${name}" was run, but its result can't be told: it is not of the form that was declared.`
    expect(results).toEqual([{ at: 5, n: 7 }, { error: error('bad') }, { error: error('written') }])
    expect(log.filter(({ message }) => message === error('bad'))).toMatchObject([
      { fields: { err: { message: expect.stringContaining('at: ') } } },
    ])
  })

  test('is cut to the bytes that the tool allows, with a note', async ({ createServer }) => {
    const bounded = (name: string, maxResultBytes: number, result: Json) =>
      defineTool({ name, description: '', input: z.object({}), maxResultBytes, execute: () => result })
    const { results } = await resultsOf(createServer, [
      bounded('fits', 14, { text: 'ab' }),
      bounded('text', 6, 'äöü€'),
      bounded('json', 5, [1, 2, 3]),
    ])
    const note = (all: number, shown: number) =>
      `The result is too large: ${all} characters, of which these are the first ${shown}.`
    expect(results).toEqual([
      { text: 'ab' },
      { note: note(4, 3), beginning: 'äöü' },
      { note: note(7, 5), beginning: '[1,2,' },
    ])
  })

  test('is cut likewise where it is an error, and shorter in the log', async ({ createServer }) => {
    const fail = (message: string) => () => {
      throw new ToolError(message)
    }
    const { results, log } = await resultsOf(createServer, [
      toolOf(fail('x'.repeat(9_000_000)), { name: 'huge' }),
      toolOf(fail('äöü€'), { name: 'limited', maxResultBytes: 6 }),
      toolOf(fail('äöü'), { name: 'fits', maxResultBytes: 8 }),
    ])
    const note = (all: number, shown: number) =>
      `… The error is too large: ${all} characters, of which these are the first ${shown}.`
    expect(results).toEqual([
      { error: `${'x'.repeat(50_000)}${note(9_000_000, 50_000)}` },
      { error: `äöü${note(4, 3)}` },
      { error: 'äöü' },
    ])
    const logged = log.filter(({ fields }) => (fields as { tool?: string }).tool === 'huge')
    expect(logged.map(({ message }) => message.length)).toEqual([1_001])
  })

  test('of a keyed tool that did not use its key is warned of', async ({ createServer }) => {
    const { log } = await resultsOf(createServer, [
      toolOf(() => 1, { name: 'forgets', replay: 'keyed' }),
      toolOf(({ idempotencyKey }) => idempotencyKey.length, { name: 'uses', replay: 'keyed' }),
    ])
    const warned = log.filter(({ message }) => message.includes('idempotencyKey'))
    expect(warned).toMatchObject([{ level: 'warn', fields: { tool: 'forgets' } }])
  })
})

test.for([
  [{ timeoutMs: 0 }, 'Tool "act": timeoutMs is not valid.'],
  [{ timeoutMs: '5s' }, 'Tool "act": timeoutMs is not valid.'],
  [{ replay: 'never' }, 'Tool "act": replay is not valid.'],
  [{ maxResultBytes: 1.5 }, 'Tool "act": maxResultBytes is not valid.'],
  [{ maxResultByte: 1 }, 'Tool "act": there is no option maxResultByte, did you mean maxResultBytes?'],
  [{ input: { type: 'array' } }, 'Tool "act": the input has to be one object schema'],
  [{ input: z3.string() }, 'Tool "act": the input has to be one object schema'],
  [
    { input: { type: 'object', not: { required: ['a'] } } },
    `Tool "act": the input is a JSON Schema that can't be checked here.`,
  ],
  [
    { output: { type: 'object', if: {} } },
    `Tool "act": the output is a JSON Schema that can't be checked here.`,
  ],
] as const)('a tool with %o is refused where it is defined', ([rest, message]) => {
  expect(() => toolOf(() => null, rest as never)).toThrow(message)
})
